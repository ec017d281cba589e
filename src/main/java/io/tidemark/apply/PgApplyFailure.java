package io.tidemark.apply;

import io.tidemark.change.OperatingFailure;
import java.sql.SQLException;

/** What a person is told of a failure: the reason, and what to do (empty: nothing is needed). */
record PgApplyFailure(String reason, String remedy) {
  static PgApplyFailure of(Exception e, ApplyTask task) {
    if (e instanceof SQLException sql) {
      return ofSql(sql, task);
    }
    if (e instanceof OperatingFailure failure) {
      return new PgApplyFailure(failure.getMessage(), failure.hint().orElse(""));
    }
    for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException || cause instanceof OperatingFailure) {
        return of((Exception) cause, task);
      }
    }
    return new PgApplyFailure(
        "Kafka: " + e.getClass().getSimpleName() + ": " + e.getMessage(),
        "check that the brokers are up and reachable, and that this user may read " + task.topic());
  }

  private static PgApplyFailure ofSql(SQLException e, ApplyTask task) {
    String target = "target connection '" + task.target().connection() + "'";
    String state = " (SQLSTATE " + e.getSQLState() + ")";
    return switch (PgRefusal.of(e)) {
      case UNREACHABLE ->
          new PgApplyFailure(
              target + " does not answer" + state,
              "check that the database is up and reachable; the sync goes on by itself");
      case TRANSIENT -> new PgApplyFailure(target + ": a lock was not had in time" + state, "");
      case SCHEMA, ROW ->
          new PgApplyFailure(
              target + " refuses the statement: " + PgRefusal.describe(e),
              "check the target table's columns and this user's privileges on it");
    };
  }
}

package io.tidemark.apply;

import io.tidemark.apply.JdbcApplier.Prepared;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.TableSchema;
import io.tidemark.postgres.PgFailure;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * One configuration's session on its target: what the apply loop asks of the database. Every
 * failure comes out as an {@link OperatingFailure} fit for a person.
 */
final class JdbcTarget implements AutoCloseable {
  /** How long the target is given to say that it is alive. */
  private static final int ALIVE_SECONDS = 5;

  private final ApplyTask task;
  private final Connection connection;
  private final JdbcPositions positions;
  private final JdbcApplier applier;
  private final TableMapping planned;
  private final PgSchemaMappings schemas;
  private TableMapping mapping;

  private JdbcTarget(
      ApplyTask task,
      Connection connection,
      JdbcApplier applier,
      TableMapping planned,
      PgSchemaMappings schemas) {
    this.task = task;
    this.connection = connection;
    this.applier = applier;
    this.planned = planned;
    this.schemas = schemas;
    mapping = planned;
    positions = new JdbcPositions(task.configuration());
  }

  static JdbcTarget open(ApplyTask task, ApplyPlan plan, ApplyPorts ports) {
    try {
      Connection connection = task.target().open("apply " + task.topic());
      try {
        JdbcPositions.ensureTable(connection);
        JdbcPositions positions = new JdbcPositions(task.configuration());
        return new JdbcTarget(
            task,
            connection,
            new JdbcApplier(
                connection,
                task.configuration(),
                plan.mapping(),
                task.deletes(),
                plan.policy(),
                positions,
                ports),
            plan.mapping(),
            ports.schemas());
      } catch (SQLException | RuntimeException e) {
        closeAfter(e, connection);
        throw e;
      }
    } catch (SQLException e) {
      throw failure(task, e);
    }
  }

  private static void closeAfter(Exception cause, Connection connection) {
    try {
      connection.close();
    } catch (SQLException e) {
      cause.addSuppressed(e);
    }
  }

  /** See {@link JdbcApplier#prepare}. */
  Optional<Prepared> prepare(List<TopicChange> changes) {
    return run(() -> applier.prepare(changes));
  }

  /** See {@link JdbcApplier#apply}. */
  Applied apply(
      List<TopicChange> changes,
      Optional<Prepared> prepared,
      AppliedPosition from,
      AppliedPosition to) {
    return run(() -> applier.apply(changes, prepared, from, to));
  }

  /**
   * Takes the changes that come now for changes made under a schema.
   *
   * @param position of the first of them
   * @throws OperatingFailure if they cannot be written as those before
   */
  void use(TableSchema schema, SourcePosition position) {
    run(
        () -> {
          TableMapping now = schemas.of(schema, position, planned, connection);
          connection.commit();
          if (!now.equals(mapping)) {
            applier.use(now);
            mapping = now;
          }
          return true;
        });
  }

  /** Where the target stands in a partition, or empty if it has never been in step. */
  Optional<AppliedPosition> find(int partition) {
    return run(
        () -> {
          positions.requireTarget(connection, task.topic(), table());
          Optional<AppliedPosition> found = positions.find(connection, task.topic(), partition);
          connection.commit();
          // Whoever moved the position may have brought the target in step anew.
          applier.renew(task.topic());
          return found;
        });
  }

  private TargetTable table() {
    return new TargetTable(task.target().connection(), planned.target().name());
  }

  /** Notes which topic the positions are in, where an earlier version did not. */
  void noteTopic(UUID topicId) {
    run(
        () -> {
          positions.noteTopic(connection, task.topic(), topicId);
          connection.commit();
          return true;
        });
  }

  /** Moves a position without rows, and answers whether it stood where the caller believes. */
  boolean advance(AppliedPosition from, AppliedPosition to) {
    return run(
        () -> {
          boolean moved = positions.advance(connection, from, to);
          connection.commit();
          return moved;
        });
  }

  /** Fails if the session is gone: an idle one is not told. */
  void checkAlive() {
    run(
        () -> {
          if (!connection.isValid(ALIVE_SECONDS)) {
            throw new SQLException("the session is gone", "08006");
          }
          return true;
        });
  }

  private interface Work<T> {
    T run() throws SQLException;
  }

  private <T> T run(Work<T> work) {
    try {
      return work.run();
    } catch (SQLException e) {
      throw failure(task, e);
    }
  }

  private static OperatingFailure failure(ApplyTask task, SQLException e) {
    return failure("target connection '" + task.target().connection() + "'", e);
  }

  /**
   * What a failure means to a person.
   *
   * @param target what failed, as a sentence's subject
   */
  static OperatingFailure failure(String target, SQLException e) {
    if (PgRefusal.isUnknownLabel(e)) {
      return failure(
          "enum_value_missing",
          target + ": a value of an enum type is none of the target's",
          "compare the type's labels on both sides and add the missing one: alter type … add value"
              + " …; changes then go on where they stopped",
          e);
    }
    String state = " (SQLSTATE " + e.getSQLState() + ")";
    return switch (PgRefusal.of(e)) {
      case UNREACHABLE ->
          failure(
              "target_unreachable",
              target + " does not answer" + state,
              "check that the database is up and reachable; the sync goes on by itself",
              e);
      case TRANSIENT -> transientFailure(target, e);
      case SCHEMA ->
          failure(
              "target_refuses",
              target + " refuses the statement: " + PgFailure.describe(e) + state,
              "check the target table's columns and this user's privileges on it",
              e);
      case ROW ->
          failure(
              "target_refuses",
              target + " refuses the statement: " + PgRefusal.describe(e),
              "check the target table's columns and this user's privileges on it",
              e);
    };
  }

  private static OperatingFailure transientFailure(String target, SQLException e) {
    String state = " (SQLSTATE " + e.getSQLState() + ")";
    return switch (String.valueOf(e.getSQLState())) {
      case "55P03" ->
          failure(
              "target_locked",
              target + ": a lock was not had in time" + state,
              "nothing, if a resync runs; else look for a long transaction on the target table",
              e);
      case "40P01", "40001" ->
          failure(
              "target_locked",
              target + ": other sessions changed the same rows at that moment" + state,
              "nothing: it is tried again by itself; if it stays, look for what else writes there",
              e);
      default ->
          failure(
              "target_refuses",
              target + " is not ready for the statement: " + PgFailure.describe(e) + state,
              "it is tried again by itself; if it stays, the server's log says more",
              e);
    };
  }

  private static OperatingFailure failure(
      String code, String message, String hint, SQLException cause) {
    return new OperatingFailure(OperatingFailure.Kind.TARGET, code, message, hint, cause);
  }

  @Override
  public void close() {
    run(
        () -> {
          applier.close();
          return true;
        });
  }
}

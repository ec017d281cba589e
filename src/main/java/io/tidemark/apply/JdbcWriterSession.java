package io.tidemark.apply;

import io.tidemark.conflict.ConflictDetection;
import io.tidemark.postgres.PgOrigins;
import io.tidemark.postgres.Sql;
import io.tidemark.postgres.TextForm;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;

/** A session that writes the rows of a stream, always in a transaction. */
final class JdbcWriterSession implements AutoCloseable {
  /** How long to wait for a lock that a resync or a user's session holds, before trying again. */
  private static final String LOCK_TIMEOUT = "5s";

  private final Connection connection;
  private final List<Long> origins;

  private JdbcWriterSession(Connection connection, List<Long> origins) {
    this.connection = connection;
    this.origins = List.copyOf(origins);
  }

  /** Takes the session over; what it writes is marked if conflicts are to be told by that. */
  static JdbcWriterSession of(
      Connection connection, UUID configuration, ConflictDetection detection) throws SQLException {
    prepare(connection);
    commitAsynchronously(connection);
    List<Long> origins =
        detection == ConflictDetection.ORIGIN
            ? PgOrigins.take(connection, configuration)
            : List.of();
    connection.setAutoCommit(false);
    return new JdbcWriterSession(connection, origins);
  }

  /** Sets what every session that writes rows needs. */
  static void prepare(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("set lock_timeout = " + Sql.literal(LOCK_TIMEOUT));
      // INVARIANT: the planner must never see how many rows an array holds. For some thousand rows
      // without statistics it would join by scanning the whole target; the generic plan expects few
      // and goes by the key's index, however large the target is.
      statement.execute("set plan_cache_mode = force_generic_plan");
      statement.execute(TextForm.SETTINGS);
      if (mayReplicate(statement)) {
        // Other rows' foreign keys are the source's to keep: its tables arrive each at its own
        // pace.
        statement.execute("set session_replication_role = replica");
      }
    }
  }

  private static boolean mayReplicate(Statement statement) throws SQLException {
    try (ResultSet may =
        statement.executeQuery(
            "select has_parameter_privilege('session_replication_role', 'set')")) {
      may.next();
      return may.getBoolean(1);
    }
  }

  /**
   * Does not wait for the target's disk. A crash of its server may take back the last moments, rows
   * and position together; what was taken back is applied again. Who must know that it is on disk
   * asks for it ({@link PgPositions#settle}).
   */
  private static void commitAsynchronously(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("set synchronous_commit = off");
    }
  }

  Connection connection() {
    return connection;
  }

  /** The oids of the origins that mark the configuration's writes; none if they are not marked. */
  List<Long> origins() {
    return origins;
  }

  void commit() throws SQLException {
    if (origins.isEmpty()) {
      connection.commit();
    } else {
      PgOrigins.commit(connection);
    }
  }

  /** Gives the transaction up because of a failure, which is the one to tell of. */
  void rollback(Exception cause) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      cause.addSuppressed(e);
    }
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}

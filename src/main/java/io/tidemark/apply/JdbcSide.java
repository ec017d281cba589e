package io.tidemark.apply;

import io.tidemark.apply.TwoWaySql.Asked;
import io.tidemark.change.RowKey;
import io.tidemark.postgres.PgOrigins;
import io.tidemark.postgres.UniqueIndex;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One of two tables that are kept in step in both directions: its rows, looked at and locked, and
 * written as our own, in a session that is always in a transaction.
 */
final class JdbcSide implements AutoCloseable {
  /** How long a server is given to say that it is alive. */
  private static final int ALIVE_SECONDS = 5;

  private final Connection session;
  private final TableMapping mapping;
  private final JdbcStatements statements;
  private final JdbcTableWriter writer;
  private final TwoWaySql sql;

  /**
   * Takes the session over.
   *
   * @param mapping this side's table is its target
   * @param timestamp the index of the timestamp column among the mapped columns, -1 for none
   */
  JdbcSide(Connection session, UUID configuration, TableMapping mapping, int timestamp)
      throws SQLException {
    this.session = session;
    this.mapping = mapping;
    JdbcWriterSession.prepare(session);
    List<Long> origins = PgOrigins.take(session, configuration);
    session.setAutoCommit(false);
    statements = new JdbcStatements(session);
    writer = new JdbcTableWriter(statements, mapping, Guard.locked());
    sql = new TwoWaySql(mapping, timestamp, origins);
  }

  Connection session() {
    return session;
  }

  /**
   * One row as the side holds it.
   *
   * @param ours whether we wrote it last
   * @param rewritten whether a statement that rewrote the table wrote it last: who did before it is
   *     not known
   * @param writtenMicros when it was written last by this side's clock; 0 if that is not known
   * @param timeMicros its timestamp column as microseconds since 1970 UTC; null for none
   * @param differs whether it differs from the row that it was compared with
   */
  record Held(
      List<@Nullable String> values,
      boolean ours,
      boolean rewritten,
      long writtenMicros,
      @Nullable Long timeMicros,
      boolean differs) {}

  /** Reads and locks the rows of some keys. */
  Map<RowKey, Held> look(List<Asked> asked) throws SQLException {
    Map<RowKey, Held> held = new HashMap<>();
    if (asked.isEmpty()) {
      return held;
    }
    ApplySql.Found<Asked> look = sql.look();
    PreparedStatement statement = statements.prepare(look.text());
    look.items().bind(statement, 1, asked);
    try (ResultSet row = statement.executeQuery()) {
      while (row.next()) {
        held.put(
            asked.get(row.getInt(1)).key(),
            new Held(
                Arrays.asList((@Nullable String[]) row.getArray(2).getArray()),
                row.getBoolean(3),
                row.getBoolean(4),
                row.getLong(5),
                row.getObject(6, Long.class),
                row.getBoolean(7)));
      }
    }
    return held;
  }

  /** The unique index that refused a row here, if its holder can be told. */
  Optional<UniqueIndex> violated(SQLException refusal) throws SQLException {
    return PgUniqueIndex.violated(session, mapping, refusal);
  }

  /** The key of the row other than this one that holds its unique value. */
  Optional<RowKey> holder(UniqueIndex unique, RowKey key, List<@Nullable String> values)
      throws SQLException {
    ApplySql.Found<Asked> holder = sql.holder(unique);
    PreparedStatement statement = statements.prepare(holder.text());
    holder.items().bind(statement, 1, List.of(new Asked(key, values)));
    try (ResultSet row = statement.executeQuery()) {
      return row.next()
          ? Optional.of(RowKey.of((String[]) row.getArray(1).getArray()))
          : Optional.empty();
    }
  }

  /** Writes rows that were looked at. */
  RowCounts write(List<RowEdit> edits) throws SQLException {
    return writer.writeRows(edits).uncontested();
  }

  /** Hands all keys that there are to a task, some at a time. */
  void keys(int atOnce, Part task) throws SQLException {
    try (Statement statement = session.createStatement()) {
      statement.setFetchSize(atOnce);
      try (ResultSet row = statement.executeQuery(sql.keys())) {
        List<RowKey> part = new ArrayList<>();
        while (row.next()) {
          part.add(RowKey.of((String[]) row.getArray(1).getArray()));
          if (part.size() == atOnce) {
            task.take(List.copyOf(part));
            part.clear();
          }
        }
        task.take(List.copyOf(part));
      }
    }
  }

  /** Takes some keys. */
  interface Part {
    void take(List<RowKey> keys) throws SQLException;
  }

  void commit() throws SQLException {
    PgOrigins.commit(session);
  }

  /** Fails if the session is gone: an idle one is not told. */
  void checkAlive() throws SQLException {
    if (!session.isValid(ALIVE_SECONDS)) {
      throw new SQLException("the session is gone", "08006");
    }
    session.rollback();
  }

  @Override
  public void close() throws SQLException {
    session.close();
  }
}

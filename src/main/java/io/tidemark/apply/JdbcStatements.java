package io.tidemark.apply;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A session's prepared statements by their text; not thread-safe, as the session is not. */
final class JdbcStatements implements AutoCloseable {
  /** Which columns are absent differs per row; more kinds of statement than this are not kept. */
  private static final int KEPT_MAX = 64;

  private final Connection connection;
  private final Map<String, PreparedStatement> kept = new LinkedHashMap<>(16, 0.75f, true);

  JdbcStatements(Connection connection) {
    this.connection = connection;
  }

  Connection connection() {
    return connection;
  }

  PreparedStatement prepare(String text) throws SQLException {
    PreparedStatement known = kept.get(text);
    if (known != null) {
      return known;
    }
    if (kept.size() >= KEPT_MAX) {
      String eldest = kept.keySet().iterator().next();
      kept.remove(eldest).close();
    }
    PreparedStatement statement = connection.prepareStatement(text);
    kept.put(text, statement);
    return statement;
  }

  /** Runs a statement over items and answers the places of those that it found. */
  <T> BitSet places(ApplySql.Found<T> found, List<T> items) throws SQLException {
    PreparedStatement statement = prepare(found.text());
    found.items().bind(statement, 1, items);
    BitSet places = new BitSet();
    try (ResultSet row = statement.executeQuery()) {
      while (row.next()) {
        places.set(row.getInt(1));
      }
    } finally {
      // The statement is kept, and would keep the items with it.
      statement.clearParameters();
    }
    return places;
  }

  @Override
  public void close() throws SQLException {
    for (PreparedStatement statement : kept.values()) {
      statement.close();
    }
    kept.clear();
  }
}

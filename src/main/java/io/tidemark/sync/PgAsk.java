package io.tidemark.sync;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Asks a catalog for texts, mostly names, and puts them into sentences. */
final class PgAsk {
  /** More names than this make a sentence that nobody reads. */
  private static final int NAMES_MAX = 5;

  private PgAsk() {}

  /** The first column of every row. */
  static List<String> texts(Connection connection, String sql, Object... parameters)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < parameters.length; i++) {
        statement.setObject(i + 1, parameters[i]);
      }
      List<String> texts = new ArrayList<>();
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          texts.add(String.valueOf(row.getString(1)));
        }
      }
      return texts;
    }
  }

  /** The first of them, and that there are more. */
  static String few(List<String> names) {
    String some = names.stream().limit(NAMES_MAX).collect(Collectors.joining(", "));
    return names.size() > NAMES_MAX ? some + ", …" : some;
  }
}

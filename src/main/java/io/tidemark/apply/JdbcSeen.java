package io.tidemark.apply;

import io.tidemark.conflict.Age;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a look at the target found of one edit's row.
 *
 * @param foreign somebody else wrote it since the target came in step
 * @param values the row's, one per mapped column; empty unless foreign
 * @param age of the edit against the row
 * @param differs which mapped columns the edit would change; empty for a deletion
 * @param changedThere which mapped columns differ from the row before the edit; empty if that is
 *     not known
 */
record JdbcSeen(
    boolean foreign,
    List<@Nullable String> values,
    Age age,
    List<Boolean> differs,
    List<Boolean> changedThere) {
  /** A row that may be written without a question. */
  private static final JdbcSeen OWN =
      new JdbcSeen(false, List.of(), Age.UNKNOWN, List.of(), List.of());

  /** Reads the columns of {@link LookSql#look()} after the place. */
  static JdbcSeen read(ResultSet row) throws SQLException {
    if (!row.getBoolean(2)) {
      return OWN;
    }
    return new JdbcSeen(
        true, texts(row, 3), age(row, 4), List.of(flags(row, 5)), List.of(flags(row, 6)));
  }

  /** Reads values and age, from a column on. */
  static JdbcSeen foreign(ResultSet row, int from) throws SQLException {
    return new JdbcSeen(true, texts(row, from), age(row, from + 1), List.of(), List.of());
  }

  private static List<@Nullable String> texts(ResultSet row, int column) throws SQLException {
    return java.util.Arrays.asList((@Nullable String[]) row.getArray(column).getArray());
  }

  private static Boolean[] flags(ResultSet row, int column) throws SQLException {
    java.sql.Array array = row.getArray(column);
    return array == null ? new Boolean[0] : (Boolean[]) array.getArray();
  }

  private static Age age(ResultSet row, int column) throws SQLException {
    int age = row.getInt(column);
    if (row.wasNull()) {
      return Age.UNKNOWN;
    }
    return age > 0 ? Age.SOURCE_NEWER : age < 0 ? Age.TARGET_NEWER : Age.SAME;
  }

  /** Whether the edit brings what the row already has. */
  boolean isEqual() {
    return !differs.isEmpty() && !differs.contains(true);
  }
}

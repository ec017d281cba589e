package io.tidemark.conflict;

import io.tidemark.change.ChangeJson;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.WireName;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Some records as text arrays, one for each column, as {@link ConflictSql} takes them: a statement
 * writes thousands of them.
 */
final class JdbcTextColumns {
  /** Rows of one statement at most. */
  private static final int ROWS_MAX = 2000;

  /** Characters of one statement, so that large rows do not fill the heap, nor the server's. */
  private static final int CHARACTERS_MAX = 16 << 20;

  private final List<RowKey> keys = new ArrayList<>();
  private final List<@Nullable String[]> records = new ArrayList<>();
  private int characters;

  /** Conflicts, in statements of bounded size. */
  static List<JdbcTextColumns> of(List<Detected> conflicts, Supplier<UUID> ids) {
    ChangeJson.Writer writer = RowsJson.writer();
    List<JdbcTextColumns> chunks = new ArrayList<>();
    for (Detected one : conflicts) {
      add(
          chunks,
          one.rowKey(),
          ids.get().toString(),
          one.place().topic(),
          Integer.toString(one.place().partition()),
          Long.toString(one.place().offset()),
          WireName.of(one.type()),
          status(one.verdict()),
          resolution(one.verdict()),
          RowsJson.text(writer, one.key()),
          json(writer, one.source()),
          json(writer, one.target()),
          json(writer, one.base()),
          RowsJson.names(one.differing()),
          text(one.position()));
    }
    return chunks;
  }

  private static String status(Verdict verdict) {
    return WireName.of(
        verdict == Verdict.REVIEW ? ConflictStatus.PENDING : ConflictStatus.RESOLVED);
  }

  private static @Nullable String resolution(Verdict verdict) {
    return switch (verdict) {
      case APPLY -> WireName.of(Resolution.SOURCE);
      case KEEP -> WireName.of(Resolution.TARGET);
      case REVIEW -> null;
    };
  }

  /** Later changes, in statements of bounded size. */
  static List<JdbcTextColumns> of(List<Later> changes) {
    ChangeJson.Writer writer = RowsJson.writer();
    List<JdbcTextColumns> chunks = new ArrayList<>();
    for (Later one : changes) {
      add(chunks, one.key(), json(writer, one.source()), text(one.position()));
    }
    return chunks;
  }

  private static @Nullable String json(ChangeJson.Writer writer, @Nullable Row row) {
    return row == null ? null : RowsJson.text(writer, row);
  }

  private static @Nullable String text(@Nullable SourcePosition position) {
    return position == null ? null : position.toString();
  }

  private static void add(List<JdbcTextColumns> chunks, RowKey key, @Nullable String... values) {
    if (chunks.isEmpty() || chunks.get(chunks.size() - 1).isFull()) {
      chunks.add(new JdbcTextColumns());
    }
    chunks.get(chunks.size() - 1).add(key, values);
  }

  private void add(RowKey key, @Nullable String[] values) {
    keys.add(key);
    records.add(values);
    for (String value : values) {
      characters += value == null ? 0 : value.length();
    }
  }

  private boolean isFull() {
    return records.size() >= ROWS_MAX || characters >= CHARACTERS_MAX;
  }

  List<RowKey> keys() {
    return keys;
  }

  /** How many columns the key of every record has. */
  int keySize() {
    return keys.get(0).size();
  }

  /** Binds the columns, then those of the key; answers the number of the next parameter. */
  int bind(Connection session, PreparedStatement statement) throws SQLException {
    int parameter = 1;
    for (int column = 0; column < records.get(0).length; column++) {
      @Nullable String[] texts = new String[records.size()];
      for (int i = 0; i < texts.length; i++) {
        texts[i] = records.get(i)[column];
      }
      bind(session, statement, parameter++, texts);
    }
    for (int column = 0; column < keySize(); column++) {
      @Nullable String[] texts = new String[keys.size()];
      for (int i = 0; i < texts.length; i++) {
        texts[i] = keys.get(i).value(column);
      }
      bind(session, statement, parameter++, texts);
    }
    return parameter;
  }

  private static void bind(
      Connection session, PreparedStatement statement, int parameter, @Nullable String[] texts)
      throws SQLException {
    Array array = session.createArrayOf("text", texts);
    statement.setArray(parameter, array);
    array.free();
  }
}

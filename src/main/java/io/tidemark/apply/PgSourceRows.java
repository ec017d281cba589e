package io.tidemark.apply;

import static java.util.stream.Collectors.joining;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.change.ValueKind;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgFailures;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.Sql;
import io.tidemark.postgres.TextForm;
import io.tidemark.sync.RowFilterText;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Rows as the source has them now. The stream leaves out large values that an update did not
 * change; where the target does not have them either, only the source can tell.
 */
public final class PgSourceRows {
  private final PgDatabase source;
  private final TableMapping mapping;
  private final RowShape shape;

  public PgSourceRows(PgDatabase source, TableMapping mapping) {
    this.source = source;
    this.mapping = mapping;
    List<ColumnShape> targets = mapping.columns().stream().map(Pair::target).toList();
    List<ValueKind> kinds = targets.stream().map(ColumnShape::kind).toList();
    shape = RowShape.of(targets.stream().map(ColumnShape::name).toList(), kinds);
  }

  /**
   * The rows of these keys, complete, in the target's column names; a key that the source does not
   * have, or the filter does not take, is not in the answer. Keys are values of the source's key
   * columns, in the key's order.
   *
   * @throws OperatingFailure if the source does not answer
   */
  public Map<RowKey, Row> newest(Collection<RowKey> keys) {
    if (keys.isEmpty()) {
      return Map.of();
    }
    String table = "table " + mapping.source().name();
    try (PgSession session = PgSession.open(source, OperatingFailure.Kind.SOURCE, "rows", table)) {
      session.execute(TextForm.SETTINGS);
      return read(session.connection(), List.copyOf(keys));
    } catch (SQLException e) {
      throw PgFailures.of(e, OperatingFailure.Kind.SOURCE, table);
    }
  }

  private Map<RowKey, Row> read(Connection connection, List<RowKey> keys) throws SQLException {
    Map<RowKey, Row> rows = new HashMap<>();
    try (PreparedStatement statement = connection.prepareStatement(sql())) {
      for (int column = 0; column < mapping.key().size(); column++) {
        int place = column;
        Array values =
            connection.createArrayOf(
                "text", keys.stream().map(key -> key.value(place)).toArray(String[]::new));
        statement.setArray(column + 1, values);
        values.free();
      }
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          @Nullable String[] values = new @Nullable String[shape.size()];
          for (int i = 0; i < values.length; i++) {
            values[i] = text(shape.kind(i), row.getString(i + 2));
          }
          // The key as it was asked for: the same value may have another text in this session.
          rows.put(keys.get(row.getInt(1) - 1), Row.of(shape, values));
        }
      }
    }
    return rows;
  }

  private static @Nullable String text(ValueKind kind, @Nullable String text) {
    return kind == ValueKind.BOOLEAN && text != null ? text.substring(0, 1) : text;
  }

  private String sql() {
    List<ColumnShape> key = mapping.key().stream().map(Pair::source).toList();
    List<String> same = new ArrayList<>();
    for (int i = 0; i < key.size(); i++) {
      same.add("t." + Sql.name(key.get(i).name()) + " = d.k" + i + "::" + key.get(i).castType());
    }
    return """
        select d.place, %s
        from unnest(%s) with ordinality d(%s, place)
        join (select * from %s%s) t on %s
        """
        .formatted(
            mapping.columns().stream()
                .map(pair -> "t." + Sql.name(pair.source().name()) + "::text")
                .collect(joining(", ")),
            key.stream().map(column -> "?::text[]").collect(joining(", ")),
            IntStream.range(0, key.size()).mapToObj(i -> "k" + i).collect(joining(", ")),
            Sql.name(mapping.source().name()),
            mapping
                .rowFilter()
                .map(filter -> " where (" + RowFilterText.withParameters(filter) + "\n)")
                .orElse(""),
            String.join(" and ", same));
  }
}

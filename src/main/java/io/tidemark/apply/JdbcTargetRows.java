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
import io.tidemark.postgres.PgOrigins;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Single rows of one target table, for decisions about them: a session of its own, always in a
 * transaction. Rows have the mapped columns by their names in the target. For one thread.
 */
public final class JdbcTargetRows implements AutoCloseable {
  /** Whoever holds a conflict while the target is asked must not hold it forever. */
  private static final int NETWORK_TIMEOUT_MILLIS = 60_000;

  private static final String TIME_LIMIT = "set statement_timeout = '30s'";

  private final Connection connection;
  private final boolean carriesOrigin;
  private final TableMapping mapping;
  private final String table;
  private final List<ColumnShape> columns;
  private final List<ColumnShape> key;
  private final RowShape shape;

  private JdbcTargetRows(Connection connection, boolean carriesOrigin, TableMapping mapping) {
    this.connection = connection;
    this.carriesOrigin = carriesOrigin;
    this.mapping = mapping;
    table = Sql.name(mapping.target().name());
    columns = mapping.columns().stream().map(Pair::target).toList();
    key = mapping.key().stream().map(Pair::target).toList();
    shape = shapeOf(columns);
  }

  private static RowShape shapeOf(List<ColumnShape> columns) {
    List<ValueKind> kinds = columns.stream().map(ColumnShape::kind).toList();
    return RowShape.of(columns.stream().map(ColumnShape::name).toList(), kinds);
  }

  /** A session whose rows count as somebody else's. */
  public static JdbcTargetRows open(PgDatabase target, TableMapping mapping) {
    return open(target, mapping, null);
  }

  /** A session whose rows count as this configuration's own: it carries one of its origins. */
  public static JdbcTargetRows openMarked(
      PgDatabase target, TableMapping mapping, UUID configuration) {
    return open(target, mapping, configuration);
  }

  private static JdbcTargetRows open(
      PgDatabase target, TableMapping mapping, @Nullable UUID marked) {
    try {
      Connection connection = target.open("decision");
      try {
        prepare(connection, marked);
        return new JdbcTargetRows(connection, marked != null, mapping);
      } catch (SQLException | RuntimeException e) {
        try {
          connection.close();
        } catch (SQLException later) {
          e.addSuppressed(later);
        }
        throw e;
      }
    } catch (SQLException e) {
      throw PgFailures.of(
          e, OperatingFailure.Kind.TARGET, "connection '" + target.connection() + "'");
    }
  }

  private static void prepare(Connection connection, @Nullable UUID marked) throws SQLException {
    connection.setNetworkTimeout(Runnable::run, NETWORK_TIMEOUT_MILLIS);
    JdbcWriterSession.prepare(connection);
    try (Statement statement = connection.createStatement()) {
      statement.execute(TIME_LIMIT);
    }
    if (marked != null) {
      PgOrigins.take(connection, marked);
    }
    connection.setAutoCommit(false);
  }

  /** The key's columns, in the key's order. */
  public List<String> keyColumns() {
    return key.stream().map(ColumnShape::name).toList();
  }

  /** The key's values of a row that has all of them, in the key's order. */
  public RowKey keyOf(Row row) {
    @Nullable String[] values = new @Nullable String[key.size()];
    for (int i = 0; i < values.length; i++) {
      int place = row.shape().indexOf(key.get(i).name());
      if (place < 0) {
        throw new IllegalArgumentException("the row lacks its key's " + key.get(i).name());
      }
      values[i] = row.value(place);
    }
    return RowKey.of(values);
  }

  /** A complete row of the other side under this side's column names. */
  public Row named(Row other) {
    @Nullable String[] values = new @Nullable String[columns.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = other.value(i);
    }
    return Row.of(shape, values);
  }

  /** Whether the row has a value for every mapped column. */
  public boolean isComplete(Row row) {
    return columns.stream().allMatch(column -> has(row, column.name()));
  }

  /** Reads a row and keeps everybody else from changing it until the transaction ends. */
  public Optional<Row> lock(RowKey of) {
    return run(() -> read(keyIs(), bindings(of)));
  }

  /**
   * Likewise, the row other than this key's that holds the same values in these columns; empty if
   * there is none.
   */
  public Optional<Row> lockHolder(List<String> of, Row values, RowKey otherThan) {
    List<ColumnShape> same =
        columns.stream()
            .filter(column -> of.contains(column.name()) && has(values, column.name()))
            .toList();
    if (same.isEmpty()) {
      return Optional.empty();
    }
    String where =
        same.stream().map(JdbcTargetRows::is).collect(joining(" and "))
            + " and not ("
            + keyIs()
            + ")";
    List<@Nullable String> bindings = new ArrayList<>();
    same.forEach(column -> bindings.add(valueOf(values, column)));
    bindings.addAll(bindings(otherThan));
    return run(() -> read(where, bindings));
  }

  private Optional<Row> read(String where, List<@Nullable String> bindings) throws SQLException {
    String texts =
        columns.stream().map(one -> "t." + Sql.name(one.name()) + "::text").collect(joining(", "));
    try (PreparedStatement statement =
        connection.prepareStatement(
            "select %s from %s t where %s limit 1 for update".formatted(texts, table, where))) {
      bind(statement, bindings);
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          return Optional.empty();
        }
        @Nullable String[] values = new @Nullable String[columns.size()];
        for (int i = 0; i < values.length; i++) {
          values[i] = boolText(columns.get(i), row.getString(i + 1));
        }
        return Optional.of(Row.of(shape, values));
      }
    }
  }

  /** A cast to text writes a boolean out; rows elsewhere have what the server sends. */
  private static @Nullable String boolText(ColumnShape column, @Nullable String text) {
    return column.kind() == ValueKind.BOOLEAN && text != null ? text.substring(0, 1) : text;
  }

  /**
   * Whether the table holds these values under this key, as values of the columns' types; for null,
   * whether it has no such row. Columns that the row lacks, or that are not mapped, do not count.
   */
  public boolean holds(RowKey of, @Nullable Row values) {
    return run(
        () -> {
          List<ColumnShape> compared =
              values == null
                  ? List.of()
                  : columns.stream().filter(column -> has(values, column.name())).toList();
          List<@Nullable String> bindings = new ArrayList<>();
          for (ColumnShape column : compared) {
            bindings.add(valueOf(java.util.Objects.requireNonNull(values), column));
          }
          bindings.addAll(bindings(of));
          String same = compared.stream().map(JdbcTargetRows::sameText).collect(joining(" and "));
          String sql =
              "select %s from %s t where %s"
                  .formatted(same.isEmpty() ? "true" : same, table, keyIs());
          try (PreparedStatement statement = connection.prepareStatement(sql)) {
            bind(statement, bindings);
            try (ResultSet row = statement.executeQuery()) {
              return row.next() ? values != null && row.getBoolean(1) : values == null;
            }
          }
        });
  }

  private static String sameText(ColumnShape column) {
    String given = "cast(? as text)::" + column.castType();
    String held = "t." + Sql.name(column.name());
    return "(" + text(held, column) + " is not distinct from " + text(given, column) + ")";
  }

  /** JSON has no negative zero for a number of the store, so the two zeros count as one. */
  private static String text(String expression, ColumnShape column) {
    return switch (column.castType()) {
      case "real", "double precision" -> "(" + expression + " + 0)::text";
      default -> "(" + expression + ")::text";
    };
  }

  /**
   * Writes a row: the columns that it has replace those of the row that is there, or it is a new
   * one. Refused, it changes nothing, and the transaction goes on.
   *
   * @param row has the key's columns or not; they are the key's in either case
   */
  public Optional<RowRefusal> put(RowKey of, Row row) {
    return run(
        () -> {
          Savepoint before = connection.setSavepoint();
          try {
            if (update(of, row) == 0) {
              insert(of, row);
            }
            connection.releaseSavepoint(before);
            return Optional.empty();
          } catch (SQLException e) {
            if (PgRefusal.of(e) != PgRefusal.ROW) {
              throw e;
            }
            connection.rollback(before);
            List<String> at = PgConstraintColumns.of(connection, mapping.target(), e);
            return Optional.of(new RowRefusal(e.getSQLState(), at, PgRefusal.describe(e)));
          }
        });
  }

  private int update(RowKey of, Row row) throws SQLException {
    List<ColumnShape> written =
        columns.stream()
            .filter(column -> !key.contains(column) && has(row, column.name()))
            .filter(column -> column.generation() != ColumnShape.Generation.IDENTITY_ALWAYS)
            .toList();
    // A row that is nothing but its key is written all the same: who wrote it last counts.
    List<ColumnShape> set = written.isEmpty() ? List.of(key.get(0)) : written;
    String sql =
        "update %s t set %s where %s"
            .formatted(
                table,
                set.stream()
                    .map(one -> Sql.name(one.name()) + " = cast(? as text)::" + one.castType())
                    .collect(joining(", ")),
                keyIs());
    List<@Nullable String> bindings = new ArrayList<>();
    set.forEach(one -> bindings.add(key.contains(one) ? of.value(0) : valueOf(row, one)));
    bindings.addAll(bindings(of));
    return execute(sql, bindings);
  }

  private void insert(RowKey of, Row row) throws SQLException {
    List<ColumnShape> written =
        columns.stream().filter(one -> key.contains(one) || has(row, one.name())).toList();
    boolean identity =
        written.stream()
            .anyMatch(one -> one.generation() == ColumnShape.Generation.IDENTITY_ALWAYS);
    String sql =
        "insert into %s (%s)%s values (%s)"
            .formatted(
                table,
                written.stream().map(one -> Sql.name(one.name())).collect(joining(", ")),
                identity ? " overriding system value" : "",
                written.stream()
                    .map(one -> "cast(? as text)::" + one.castType())
                    .collect(joining(", ")));
    List<@Nullable String> bindings = new ArrayList<>();
    written.forEach(
        one -> bindings.add(key.contains(one) ? of.value(key.indexOf(one)) : valueOf(row, one)));
    execute(sql, bindings);
  }

  /** Deletes a row; false if there was none. */
  public boolean delete(RowKey of) {
    return run(
        () -> execute("delete from %s t where %s".formatted(table, keyIs()), bindings(of)) > 0);
  }

  /** What is wrong with a person's row, before anything is written: one for each such column. */
  public List<RowRefusal> check(Row row) {
    return run(() -> new PgRowCheck(connection, columns).check(row));
  }

  public void commit() {
    run(
        () -> {
          if (carriesOrigin) {
            PgOrigins.commit(connection);
          } else {
            connection.commit();
          }
          return true;
        });
  }

  public void rollback() {
    run(
        () -> {
          connection.rollback();
          return true;
        });
  }

  private static boolean has(Row row, String column) {
    int place = row.shape().indexOf(column);
    return place >= 0 && !row.isAbsent(place);
  }

  private static @Nullable String valueOf(Row row, ColumnShape column) {
    return row.value(row.shape().indexOf(column.name()));
  }

  private String keyIs() {
    return key.stream().map(JdbcTargetRows::is).collect(joining(" and "));
  }

  private static String is(ColumnShape column) {
    return "t." + Sql.name(column.name()) + " = cast(? as text)::" + column.castType();
  }

  private static List<@Nullable String> bindings(RowKey of) {
    return of.values();
  }

  private int execute(String sql, List<@Nullable String> bindings) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      bind(statement, bindings);
      return statement.executeUpdate();
    }
  }

  private static void bind(PreparedStatement statement, List<@Nullable String> bindings)
      throws SQLException {
    for (int i = 0; i < bindings.size(); i++) {
      statement.setString(i + 1, bindings.get(i));
    }
  }

  private interface Work<T> {
    T run() throws SQLException;
  }

  private <T> T run(Work<T> work) {
    try {
      return work.run();
    } catch (SQLException e) {
      throw PgFailures.of(e, OperatingFailure.Kind.TARGET, "table " + mapping.target().name());
    }
  }

  /** Ends the session; what is not committed is rolled back. */
  @Override
  public void close() {
    run(
        () -> {
          connection.close();
          return true;
        });
  }
}

package io.tidemark.run;

import static java.util.stream.Collectors.joining;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.change.TableName;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgFailures;
import io.tidemark.postgres.PgOrigins;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.RewrittenRows;
import io.tidemark.postgres.Sql;
import io.tidemark.postgres.TextForm;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.RowFilterText;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Looks at one row on one side of a configuration, and who wrote it last. */
final class PgRowLook implements AutoCloseable {
  private static final String TRACKED = "current_setting('track_commit_timestamp')::boolean";

  private static final String IN_STEP_SINCE =
      """
      select (extract(epoch from max(in_step_since)) * 1000000)::int8
      from tidemark.applied_position
      where configuration_id = ?
      """;

  private final PgSession session;
  private final TableMapping mapping;
  private final Side side;
  private final UUID configuration;
  private final RowShape shape;

  private enum Side {
    SOURCE(OperatingFailure.Kind.SOURCE, Pair::source),
    TARGET(OperatingFailure.Kind.TARGET, Pair::target);

    private final OperatingFailure.Kind kind;
    private final Function<Pair, ColumnShape> column;

    Side(OperatingFailure.Kind kind, Function<Pair, ColumnShape> column) {
      this.kind = kind;
      this.column = column;
    }
  }

  private PgRowLook(PgDatabase database, TableMapping mapping, Side side, UUID configuration) {
    this.mapping = mapping;
    this.side = side;
    this.configuration = configuration;
    shape =
        RowShape.of(
            mapping.targetNames(),
            mapping.columns().stream().map(pair -> side.column.apply(pair).kind()).toList());
    session = PgSession.open(database, side.kind, "row history", "table " + table());
    try {
      session.execute(TextForm.SETTINGS);
    } catch (RuntimeException e) {
      session.close();
      throw e;
    }
  }

  static PgRowLook atSource(PgDatabase database, TableMapping mapping, UUID configuration) {
    return new PgRowLook(database, mapping, Side.SOURCE, configuration);
  }

  static PgRowLook atTarget(PgDatabase database, TableMapping mapping, UUID configuration) {
    return new PgRowLook(database, mapping, Side.TARGET, configuration);
  }

  private TableName table() {
    return (side == Side.SOURCE ? mapping.source() : mapping.target()).name();
  }

  /**
   * The row of a key.
   *
   * @param key the values of the key's columns, in the key's order
   * @return refused if a value is none of its column's type
   */
  Outcome<SideRow> row(List<String> key) {
    try (PreparedStatement statement = session.connection().prepareStatement(sql())) {
      for (int i = 0; i < key.size(); i++) {
        statement.setString(i + 1, key.get(i));
      }
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return Outcome.of(read(row, key.size()));
      }
    } catch (SQLException e) {
      if (isValue(e)) {
        return Outcome.refused(
            Refusal.invalid(
                "key",
                "'key': a value is none of its column's type: "
                    + mapping.key().stream()
                        .map(side.column)
                        .map(column -> column.name() + " " + column.type())
                        .collect(joining(", "))));
      }
      throw PgFailures.of(e, side.kind, "table " + table());
    }
  }

  /** Whether the server refuses a value: no number, out of range, or not of the domain. */
  private static boolean isValue(SQLException e) {
    return e.getSQLState() != null
        && (e.getSQLState().startsWith("22") || e.getSQLState().startsWith("23"));
  }

  private SideRow read(ResultSet row, int keySize) throws SQLException {
    @Nullable String[] key = new @Nullable String[keySize];
    for (int i = 0; i < keySize; i++) {
      key[i] = row.getString(i + 1);
    }
    if (!row.getBoolean(keySize + 1)) {
      return new SideRow(RowKey.of(key), null, null, null, null, null);
    }
    boolean inFilter = row.getBoolean(keySize + 2);
    long micros = row.getLong(keySize + 3);
    Instant writtenAt = row.wasNull() ? null : Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
    String origin = row.getString(keySize + 4);
    boolean isRewritten = row.getBoolean(keySize + 5);
    @Nullable String[] values = new @Nullable String[shape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = row.getString(keySize + 6 + i);
    }
    return new SideRow(
        RowKey.of(key),
        Row.of(shape, values),
        side == Side.SOURCE && mapping.filter() != null ? inFilter : null,
        writtenAt,
        writtenAt == null ? null : writer(writtenAt, origin, isRewritten),
        origin);
  }

  private SideRow.@Nullable Writer writer(
      Instant writtenAt, @Nullable String origin, boolean isRewritten) {
    if (origin != null && origin.startsWith(PgOrigins.prefix(configuration))) {
      return SideRow.Writer.TIDEMARK;
    }
    if (isRewritten) {
      return SideRow.Writer.REWRITE;
    }
    if (side == Side.SOURCE) {
      return SideRow.Writer.OTHERS;
    }
    return inStepSince()
        .map(since -> writtenAt.isAfter(since) ? SideRow.Writer.OTHERS : SideRow.Writer.BEFORE)
        .orElse(null);
  }

  /** When the target came in step; empty if it never was. */
  private Optional<Instant> inStepSince() {
    if (!session.isTrue("select to_regclass('tidemark.applied_position') is not null")) {
      return Optional.empty();
    }
    return Optional.ofNullable(session.row(IN_STEP_SINCE, configuration).get(0))
        .map(micros -> Instant.EPOCH.plus(Long.parseLong(micros), ChronoUnit.MICROS));
  }

  // The names of our own columns hold a dot and a space, as no other column of the table will.
  private String sql() {
    List<ColumnShape> key = mapping.key().stream().map(side.column).toList();
    List<ColumnShape> columns = mapping.columns().stream().map(side.column).toList();
    return """
        select %s, t."tidemark. there" is not null, t."tidemark. filter",
               case when %s then
                 (extract(epoch from pg_catalog.pg_xact_commit_timestamp(t."tidemark. xmin"))
                   * 1000000)::int8
               end,
               case when %s then
                 (select o.roname
                  from pg_catalog.pg_replication_origin o
                  where o.roident =
                    (pg_catalog.pg_xact_commit_timestamp_origin(t."tidemark. xmin")).roident)
               end,
               %s,
               %s
        from (select %s) asked
        left join (
          select %s, true as "tidemark. there", xmin as "tidemark. xmin",
                 (%s
                 ) as "tidemark. filter"
          from %s) t on %s
        limit 1
        """
        .formatted(
            IntStream.range(0, key.size())
                .mapToObj(
                    i -> "coalesce(t." + Sql.name(key.get(i).name()) + ", asked.k" + i + ")::text")
                .collect(joining(", ")),
            TRACKED,
            TRACKED,
            RewrittenRows.condition(table(), "t.\"tidemark. xmin\""),
            columns.stream()
                .map(column -> "t." + Sql.name(column.name()) + "::text")
                .collect(joining(", ")),
            IntStream.range(0, key.size())
                .mapToObj(i -> "?::text::" + key.get(i).castType() + " as k" + i)
                .collect(joining(", ")),
            columns.stream().map(column -> Sql.name(column.name())).collect(joining(", ")),
            filter(),
            Sql.name(table()),
            IntStream.range(0, key.size())
                .mapToObj(i -> "t." + Sql.name(key.get(i).name()) + " = asked.k" + i)
                .collect(joining(" and ")));
  }

  private String filter() {
    return side == Side.SOURCE && mapping.filter() != null
        ? RowFilterText.withParameters(mapping.filter())
        : "true";
  }

  /**
   * The target's columns in which its row differs from the source's, as values of the target's
   * types: one value may have several texts.
   */
  List<String> differing(Row source, Row target) {
    List<Integer> otherTexts = new ArrayList<>();
    for (int i = 0; i < shape.size(); i++) {
      if (!Objects.equals(source.value(i), target.value(i))) {
        otherTexts.add(i);
      }
    }
    List<String> differing = new ArrayList<>();
    for (int column : otherTexts) {
      if (!isSame(
          mapping.columns().get(column).target(), source.value(column), target.value(column))) {
        differing.add(shape.column(column));
      }
    }
    return differing;
  }

  private boolean isSame(ColumnShape column, @Nullable String one, @Nullable String other) {
    if (one == null || other == null) {
      return false;
    }
    String sql = "select ?::text::%1$s::text = ?::text".formatted(column.castType());
    try (PreparedStatement statement = session.connection().prepareStatement(sql)) {
      statement.setString(1, one);
      statement.setString(2, other);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getBoolean(1);
      }
    } catch (SQLException e) {
      if (isValue(e)) {
        return false;
      }
      throw PgFailures.of(e, side.kind, "table " + table());
    }
  }

  @Override
  public void close() {
    session.close();
  }
}

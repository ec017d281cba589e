package io.tidemark.copy;

import io.tidemark.change.OperatingFailure;
import io.tidemark.copy.CopyRequest.AbsentRows;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.ColumnShape.Generation;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What differs between the stage and the target, found once as a list of row addresses, then
 * written: deletes, updates, inserts, in this order so that a unique value is free before it is
 * taken.
 *
 * <p>INVARIANT: row addresses hold only while nobody else writes the target: the table is locked
 * against writers from before the comparison until the commit.
 */
final class Difference {
  /** How many rows are to be written, and how. */
  record Counts(long inserts, long updates, long deletes) {}

  // The comparison joins two whole tables: with the default of 4 MB it would go through the disk in
  // dozens of parts. One copy uses this up to twice per parallel process.
  // Compiling the comparison takes longer than it saves.
  static final String PLAN_SETTINGS =
      """
      set local work_mem = '64MB';
      set local jit = off
      """;

  private static final String COUNTS =
      """
      select count(*) filter (where target_row is null),
             count(*) filter (where target_row is not null and stage_row is not null),
             count(*) filter (where stage_row is null)
      from pg_temp.tidemark_difference
      """;

  private final PgSession session;
  private final TableMapping mapping;
  private final String target;
  private final String stage;

  Difference(PgSession session, TableMapping mapping, StageTable stage) {
    this.session = session;
    this.mapping = mapping;
    this.target = targetRelation(mapping);
    this.stage = Sql.name(stage.name());
  }

  /** The target as statements name it: without inheritance children, which are other tables. */
  static String targetRelation(TableMapping mapping) {
    String name = Sql.name(mapping.target().name());
    return mapping.target().relationKind() == 'p' ? name : "only " + name;
  }

  /**
   * Whether two rows, by their aliases, hold the same values, as a condition.
   *
   * <p>First by their stored image: equality would take 1.0 for 1.00, -0 for 0 and, in some
   * collations, a for A, and does not exist for json, xml or point. But one value may have several
   * images (that of a tsquery depends on whether it was read as text), so then by their texts.
   */
  static String same(TableMapping mapping, String one, String other) {
    return ("(row(%1$s)::record operator(pg_catalog.*=) row(%2$s)::record"
            + " or row(%1$s)::text operator(pg_catalog.=) row(%2$s)::text)")
        .formatted(columns(one, mapping.columns()), columns(other, mapping.columns()));
  }

  /** Finds what differs; the table is locked against writers. */
  Counts compare(AbsentRows absent) {
    session.execute(PLAN_SETTINGS);
    session.execute(
        """
        create temporary table tidemark_difference on commit drop as
        select t.tableoid as target_table, t.ctid as target_row, s.ctid as stage_row
        from %s as t
        %s join %s as s on %s
        where t.ctid is null
           or s.ctid is null
           or not %s
        """
            .formatted(
                target,
                absent == AbsentRows.DELETE ? "full" : "right",
                stage,
                keysEqual(),
                same(mapping, "t", "s")));
    session.execute("analyze pg_temp.tidemark_difference");
    List<@Nullable String> counts = session.row(COUNTS);
    return new Counts(count(counts, 0), count(counts, 1), count(counts, 2));
  }

  /** Writes it. */
  void write(Counts counts) {
    // A violation that the end of the transaction no longer has is none.
    session.execute("set constraints all deferred");
    if (counts.deletes() > 0) {
      delete("d.stage_row is null");
    }
    if (counts.updates() > 0) {
      updateOrReplace();
    }
    if (counts.inserts() > 0) {
      insert();
    }
  }

  /**
   * Rows that swap a unique value cannot be updated one after the other: PostgreSQL checks an
   * immediate constraint row by row. Then the rows are taken out and put in again.
   */
  private void updateOrReplace() {
    if (hasFixedIdentity()) {
      replace();
      return;
    }
    session.execute("savepoint before_update");
    try {
      update();
    } catch (OperatingFailure e) {
      if (!e.code().equals("unique_violation") && !e.code().equals("exclusion_violation")) {
        throw e;
      }
      session.execute("rollback to savepoint before_update");
      replace();
    }
    session.execute("release savepoint before_update");
  }

  /** A column {@code generated always as identity} takes a value when inserted, never later. */
  private boolean hasFixedIdentity() {
    return mapping.others().stream().anyMatch(pair -> isFixedIdentity(pair.target()));
  }

  private static boolean isFixedIdentity(ColumnShape column) {
    return column.generation() == Generation.IDENTITY_ALWAYS;
  }

  private void update() {
    String assignments =
        mapping.columns().stream()
            .map(Pair::target)
            .filter(column -> !isFixedIdentity(column))
            .map(column -> Sql.name(column.name()) + " = s." + Sql.name(column.name()))
            .collect(Collectors.joining(",\n    "));
    session.execute(
        """
        update %s as t
        set %s
        from %s as s
        join pg_temp.tidemark_difference as d on d.stage_row = s.ctid
        where %s
        """
            .formatted(target, assignments, stage, atTargetRow()));
  }

  private void delete(String which) {
    session.execute(
        """
        delete from %s as t
        using pg_temp.tidemark_difference as d
        where %s
          and %s
        """
            .formatted(target, atTargetRow(), which));
  }

  private void insert() {
    session.execute(
        """
        insert into %s (%s)
        overriding system value
        select %s
        from %s as s
        join pg_temp.tidemark_difference as d on d.stage_row = s.ctid
        where d.target_row is null
        """
            .formatted(
                Sql.name(mapping.target().name()),
                Sql.names(mapping.targetNames()),
                columns("s", mapping.columns()),
                stage));
  }

  /** Takes the differing rows out and puts them in again; unmapped columns keep their values. */
  private void replace() {
    List<String> mapped = mapping.targetNames();
    List<String> kept =
        mapping.target().columns().stream()
            .filter(ColumnShape::isWritable)
            .map(ColumnShape::name)
            .filter(name -> !mapped.contains(name))
            .toList();
    List<String> keptAs = IntStream.range(0, kept.size()).mapToObj(i -> "kept_" + i).toList();
    session.execute(
        """
        create temporary table tidemark_replaced (%s) on commit drop as
        select %s
        from %s as t
        join pg_temp.tidemark_difference as d on %s
        where d.stage_row is not null
        """
            .formatted(
                String.join(", ", with("stage_row", keptAs)),
                String.join(", ", with("d.stage_row", kept.stream().map(n -> "t." + Sql.name(n)))),
                target,
                atTargetRow()));
    session.execute("analyze pg_temp.tidemark_replaced");
    delete("d.stage_row is not null");
    session.execute(
        """
        insert into %s (%s)
        overriding system value
        select %s
        from pg_temp.tidemark_replaced as r
        join %s as s on s.ctid = r.stage_row
        """
            .formatted(
                Sql.name(mapping.target().name()),
                Sql.names(Stream.concat(mapped.stream(), kept.stream()).toList()),
                Stream.concat(
                        mapped.stream().map(n -> "s." + Sql.name(n)),
                        keptAs.stream().map(n -> "r." + n))
                    .collect(Collectors.joining(", ")),
                stage));
  }

  private String atTargetRow() {
    return atTargetRow(mapping);
  }

  /** Joins {@code d} to {@code t}; the partitions of a table share row addresses. */
  static String atTargetRow(TableMapping mapping) {
    return mapping.target().relationKind() == 'p'
        ? "t.ctid = d.target_row and t.tableoid = d.target_table"
        : "t.ctid = d.target_row";
  }

  private String keysEqual() {
    return keysEqual(mapping, "t", "s");
  }

  /** Whether two rows of these aliases have one key. */
  static String keysEqual(TableMapping mapping, String one, String other) {
    return mapping.key().stream()
        .map(pair -> Sql.name(pair.target().name()))
        .map(name -> one + "." + name + " = " + other + "." + name)
        .collect(Collectors.joining(" and "));
  }

  static String columns(String alias, List<Pair> pairs) {
    return pairs.stream()
        .map(pair -> alias + "." + Sql.name(pair.target().name()))
        .collect(Collectors.joining(", "));
  }

  private static List<String> with(String first, List<String> others) {
    return with(first, others.stream());
  }

  private static List<String> with(String first, Stream<String> others) {
    return Stream.concat(Stream.of(first), others).toList();
  }

  private static long count(List<@Nullable String> counts, int index) {
    return Long.parseLong(counts.get(index));
  }
}

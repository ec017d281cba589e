package io.tidemark.copy;

import static java.util.stream.Collectors.joining;

import io.tidemark.change.RowKey;
import io.tidemark.change.TableName;
import io.tidemark.conflict.Verdict;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.Sql;
import io.tidemark.postgres.UniqueIndex;
import io.tidemark.sync.TableMapping;
import java.util.List;
import java.util.Set;

/**
 * Rows that stay in the target as they are and hold a unique value of a row that the merge would
 * write: found and decided over set-wise, in the list that {@link MergeDifference} made.
 *
 * <p>A row that the holder keeps out is HELD: neither written nor a difference of its own. A holder
 * that gives way becomes what the source has under its key, or is GIVEN up.
 */
final class MergeHolders {
  /** The conflicts that were found; {@code columns} are places among the mapping's columns. */
  static final String TABLE =
      """
      create temporary table tidemark_holder (
        stage_row tid, target_table oid, target_row tid, columns text, decision text)
      on commit drop
      """;

  private static final TableName WAITING = new TableName("pg_temp", "tidemark_asked");

  // Of several holders the one that keeps the row out counts; a person comes before a strategy.
  private static final String ONE_REASON =
      """
      delete from pg_temp.tidemark_holder as h
      where exists (
        select
        from pg_temp.tidemark_holder as o
        where o.stage_row = h.stage_row
          and o.decision <> 'APPLY'
          and (o.decision, o.target_table, o.target_row)
            > (h.decision, h.target_table, h.target_row))
      """;

  private static final String HOLD =
      """
      update pg_temp.tidemark_merge as d
      set decision = 'HELD', written = false
      from pg_temp.tidemark_holder as h
      where h.stage_row = d.stage_row
        and h.decision <> 'APPLY'
        and d.written
      """;

  private static final String BECOME_THE_SOURCES =
      """
      update pg_temp.tidemark_merge as d
      set decision = 'APPLY', written = true
      from pg_temp.tidemark_holder as h
      where h.target_row = d.target_row
        and h.target_table = d.target_table
        and h.decision = 'APPLY'
        and d.decision = 'KEEP'
      """;

  private static final String GIVE_WAY =
      """
      insert into pg_temp.tidemark_merge (target_table, target_row, decision, written)
      select distinct h.target_table, h.target_row, 'GIVEN', true
      from pg_temp.tidemark_holder as h
      where h.decision = 'APPLY'
        and not exists (
          select
          from pg_temp.tidemark_merge as w
          where w.written
            and w.target_row = h.target_row
            and w.target_table = h.target_table)
      """;

  // A row that was kept out in the end needs no room.
  private static final String TAKE_BACK =
      """
      delete from pg_temp.tidemark_merge as d
      where d.decision = 'GIVEN'
        and not exists (
          select
          from pg_temp.tidemark_holder as h
          where h.decision = 'APPLY'
            and h.target_row = d.target_row
            and h.target_table = d.target_table)
      """;

  private final PgSession session;
  private final TableMapping mapping;
  private final StageTable stage;
  private final String verdict;
  private final Set<RowKey> waiting;

  /**
   * @param verdict an expression over {@code s}, the row to be written, and {@code t}, the holder
   * @param waiting keys that wait for a person: whatever such a row holds, it keeps
   */
  MergeHolders(
      PgSession session,
      TableMapping mapping,
      StageTable stage,
      String verdict,
      Set<RowKey> waiting) {
    this.session = session;
    this.mapping = mapping;
    this.stage = stage;
    this.verdict = verdict;
    this.waiting = waiting;
  }

  /** Decides over all of them; false if there is none. */
  boolean decide() {
    List<UniqueIndex> indexes = indexes();
    noteWaiting();
    boolean any = false;
    // Each round decides over rows that the former one has let stand.
    while (find(indexes) > 0) {
      any = true;
      for (String step : List.of(ONE_REASON, HOLD, BECOME_THE_SOURCES, TAKE_BACK, GIVE_WAY)) {
        session.execute(step);
      }
    }
    return any;
  }

  /** The target's unique indexes that are about mapped columns alone. */
  private List<UniqueIndex> indexes() {
    return session.uniqueIndexes(mapping.target().oid()).stream()
        .filter(index -> mapping.targetNames().containsAll(index.columns()))
        .toList();
  }

  private void noteWaiting() {
    session.execute("drop table if exists " + Sql.name(WAITING));
    session.execute(
        """
        create temporary table tidemark_asked on commit drop as
        select %s
        from %s
        with no data
        """
            .formatted(
                mapping.key().stream()
                    .map(pair -> Sql.name(pair.target().name()))
                    .collect(joining(", ")),
                Sql.name(stage.name())));
    new KeyRows(mapping).insert(session, WAITING, List.copyOf(waiting));
  }

  private long find(List<UniqueIndex> indexes) {
    long found = 0;
    for (UniqueIndex index : indexes) {
      found += session.update(find(index));
    }
    session.execute("analyze pg_temp.tidemark_holder");
    return found;
  }

  private String find(UniqueIndex index) {
    return """
        insert into pg_temp.tidemark_holder (stage_row, target_table, target_row, columns, decision)
        select d.stage_row, t.tableoid, t.ctid, '%s',
               case when exists (select from %s as k where %s) then '%s' else %s end
        from pg_temp.tidemark_merge as d
        join %s as s on s.ctid = d.stage_row
        cross join %s
        cross join %s as t
        cross join %s
        where %s
          and d.written
          and not exists (
            select
            from pg_temp.tidemark_merge as w
            where w.written
              and w.target_row = t.ctid
              and w.target_table = t.tableoid)
          and not exists (
            select
            from pg_temp.tidemark_holder as h
            where h.stage_row = d.stage_row
              and h.target_row = t.ctid
              and h.target_table = t.tableoid)
        """
        .formatted(
            index.columns().stream()
                .map(name -> String.valueOf(mapping.targetNames().indexOf(name)))
                .collect(joining(",")),
            Sql.name(WAITING),
            Difference.keysEqual(mapping, "k", "t"),
            Verdict.REVIEW,
            verdict,
            Sql.name(stage.name()),
            index.of(name -> "s." + Sql.name(name), "wanted"),
            Difference.targetRelation(mapping),
            index.of(name -> "t." + Sql.name(name), "held"),
            index.forbids("wanted", "held"));
  }
}

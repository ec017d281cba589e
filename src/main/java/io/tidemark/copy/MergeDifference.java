package io.tidemark.copy;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.RowKey;
import io.tidemark.conflict.Age;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.ConflictResolver;
import io.tidemark.conflict.ConflictType;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What differs between a merge's stage and the target, and what the policy says of each row: found
 * once as row addresses with a decision, then written.
 *
 * <p>INVARIANT: as for {@link Difference}, the target is locked against writers meanwhile.
 */
final class MergeDifference {
  /** The decision on a row that only the source has. */
  private static final String INSERT = "INSERT";

  /** The decision on a row that only the source has changed: its row is written. */
  private static final String PLAIN = "PLAIN";

  private static final String COUNTS =
      """
      with found as (
        select decision, count(*)
        from (
          select decision from pg_temp.tidemark_merge
          union all
          select decision from pg_temp.tidemark_holder) as both_kinds
        where decision in ('APPLY', 'KEEP', 'REVIEW')
        group by decision)
      select count(*) filter (where written and target_row is null),
             count(*) filter (where written and target_row is not null and stage_row is not null),
             count(*) filter (where written and stage_row is null),
             count(stage_row),
             (select coalesce(sum(f.count), 0) from found as f),
             (select coalesce(sum(f.count), 0) from found as f where f.decision = 'KEEP'),
             (select coalesce(sum(f.count), 0) from found as f where f.decision = 'REVIEW')
      from pg_temp.tidemark_merge
      """;

  /**
   * How many rows there are of each kind.
   *
   * @param deletes rows that the source has deleted since, or that gave way to another row
   * @param staged rows of the stage that differ from the target's or that it lacks
   * @param conflicts rows that both sides have, and unique values that both have, decided or not
   */
  record Counts(
      long inserts,
      long updates,
      long deletes,
      long staged,
      long conflicts,
      long kept,
      long reviews) {}

  private final PgSession session;
  private final TableMapping mapping;
  private final StageTable stage;
  private final MergeBase base;
  private final ConflictResolver resolver;
  private final @Nullable String timestamp;

  MergeDifference(PgSession session, MergeRequest request, StageTable stage, MergeBase base) {
    this.session = session;
    this.mapping = request.mapping();
    this.stage = stage;
    this.base = base;
    this.resolver = new ConflictResolver(request.policy().strategy());
    this.timestamp = request.policy().timestampColumn();
  }

  /** Finds what differs; the table is locked against writers. */
  void compare() {
    session.execute(Difference.PLAN_SETTINGS);
    session.execute(
        """
        create temporary table tidemark_merge on commit drop as
        select d.*, d.decision in ('INSERT', 'PLAIN', 'APPLY') as written
        from (
          %s) as d
        """
            .formatted(base.isThere() ? staged() + "\nunion all\n" + goneFromStage() : staged()));
    session.execute(MergeHolders.TABLE);
    session.execute("analyze pg_temp.tidemark_merge");
  }

  private Counts counts() {
    List<@Nullable String> counts = session.row(COUNTS);
    long[] numbers = counts.stream().mapToLong(Long::parseLong).toArray();
    return new Counts(
        numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6]);
  }

  /** Rows of the stage that the target lacks or has otherwise. */
  private String staged() {
    String onlySourceChanged =
        base.isThere()
            ? "when b.ctid is not null and %s then '%s'".formatted(same("t", "b"), PLAIN)
            : "";
    return """
        select t.tableoid as target_table, t.ctid as target_row, s.ctid as stage_row,
               case when t.ctid is null then '%s' %s else %s end as decision
        from %s as s
        left join %s as t on %s
        %s
        where t.ctid is null or not %s\
        """
        .formatted(
            INSERT,
            onlySourceChanged,
            verdict(ConflictType.MERGE_DIFFERS),
            Sql.name(stage.name()),
            Difference.targetRelation(mapping),
            Difference.keysEqual(mapping, "t", "s"),
            base.isThere()
                ? "left join %s as b on %s"
                    .formatted(Sql.name(base.table()), Difference.keysEqual(mapping, "b", "s"))
                : "",
            same("t", "s"));
  }

  /** Rows that the source has deleted since the snapshot, and that the target still has. */
  private String goneFromStage() {
    return """
        select t.tableoid, t.ctid, null::tid,
               case when %s then '%s' else '%s' end
        from %s as b
        join %s as t on %s
        where not exists (
          select
          from %s as s
          where %s)\
        """
        .formatted(
            same("t", "b"),
            PLAIN,
            resolver.decide(ConflictType.MERGE_DIFFERS, Age.UNKNOWN),
            Sql.name(base.table()),
            Difference.targetRelation(mapping),
            Difference.keysEqual(mapping, "t", "b"),
            Sql.name(stage.name()),
            Difference.keysEqual(mapping, "s", "b"));
  }

  private String same(String one, String other) {
    return Difference.same(mapping, one, other);
  }

  /** The policy's word on {@code s} of the stage and {@code t} of the target, as an expression. */
  private String verdict(ConflictType type) {
    if (resolver.strategy() != ConflictResolution.TIMESTAMP || timestamp == null) {
      return "'" + resolver.decide(type, Age.UNKNOWN) + "'";
    }
    String target = "t." + Sql.name(timestamp);
    String source = "s." + Sql.name(timestamp);
    return """
        case
          when %1$s > %2$s or %1$s is not null and %2$s is null then '%3$s'
          when %1$s = %2$s or %1$s is null and %2$s is null then '%4$s'
          else '%5$s' end\
        """
        .formatted(
            target,
            source,
            resolver.decide(type, Age.TARGET_NEWER),
            resolver.decide(type, Age.SAME),
            resolver.decide(type, Age.SOURCE_NEWER));
  }

  /**
   * Writes the rows that are to be written. A row that only the target has may hold a unique value
   * of one of them: that shows when they are written, is decided then, and they are written anew.
   *
   * @param waiting keys that wait for a person
   * @param beforeWriting called before each attempt, of which only the last one's effects stay
   */
  Counts write(Set<RowKey> waiting, Runnable beforeWriting) {
    MergeHolders holders =
        new MergeHolders(session, mapping, stage, verdict(ConflictType.UNIQUE_VIOLATION), waiting);
    while (true) {
      session.execute("savepoint before_merge");
      beforeWriting.run();
      Counts counts = counts();
      try {
        write(counts);
        return counts;
      } catch (OperatingFailure e) {
        if (!e.code().equals("unique_violation")) {
          throw e;
        }
        session.execute("rollback to savepoint before_merge");
        session.execute("release savepoint before_merge");
        if (!holders.decide()) {
          throw e;
        }
      }
    }
  }

  private void write(Counts counts) {
    session.execute(
        """
        create temporary table tidemark_difference on commit drop as
        select target_table, target_row, stage_row
        from pg_temp.tidemark_merge
        where written
        """);
    session.execute("analyze pg_temp.tidemark_difference");
    new Difference(session, mapping, stage)
        .write(new Difference.Counts(counts.inserts(), counts.updates(), counts.deletes()));
    // What a deferred constraint finds must show while it can still be decided.
    session.execute("set constraints all immediate");
  }
}

package io.tidemark.copy;

import io.tidemark.conflict.Age;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.ConflictResolver;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Verdict;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import java.util.List;
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
      select count(*) filter (where target_row is null),
             count(*) filter (where written and target_row is not null and stage_row is not null),
             count(*) filter (where written and stage_row is null),
             count(stage_row),
             count(*) filter (where decision in ('APPLY', 'KEEP', 'REVIEW')),
             count(*) filter (where decision = 'KEEP'),
             count(*) filter (where decision = 'REVIEW')
      from pg_temp.tidemark_merge
      """;

  /**
   * How many rows there are of each kind.
   *
   * @param staged rows of the stage that differ from the target's or that it lacks
   * @param conflicts rows that both sides have, decided or not
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
  Counts compare() {
    session.execute(Difference.PLAN_SETTINGS);
    session.execute(
        """
        create temporary table tidemark_merge on commit drop as
        select d.*, d.decision in ('INSERT', 'PLAIN', 'APPLY') as written
        from (
          %s) as d
        """
            .formatted(base.isThere() ? staged() + "\nunion all\n" + goneFromStage() : staged()));
    session.execute("analyze pg_temp.tidemark_merge");
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
            verdict(),
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
            decide(Age.UNKNOWN),
            Sql.name(base.table()),
            Difference.targetRelation(mapping),
            Difference.keysEqual(mapping, "t", "b"),
            Sql.name(stage.name()),
            Difference.keysEqual(mapping, "s", "b"));
  }

  /** By their stored image, for the reason that {@link Difference} gives. */
  private String same(String one, String other) {
    return "(row(%s)::record operator(pg_catalog.*=) row(%s)::record)"
        .formatted(
            Difference.columns(one, mapping.columns()),
            Difference.columns(other, mapping.columns()));
  }

  private String verdict() {
    if (resolver.strategy() != ConflictResolution.TIMESTAMP || timestamp == null) {
      return "'" + decide(Age.UNKNOWN) + "'";
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
            target, source, decide(Age.TARGET_NEWER), decide(Age.SAME), decide(Age.SOURCE_NEWER));
  }

  private Verdict decide(Age age) {
    return resolver.decide(ConflictType.MERGE_DIFFERS, age);
  }

  /** Writes the rows that are to be written. */
  void write(Counts counts) {
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
  }
}

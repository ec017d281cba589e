package io.tidemark.apply;

import static java.util.stream.Collectors.joining;

import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.RewrittenRows;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * When a statement may write over a row of the target without asking: SQL conditions that are part
 * of the very statement that writes, so that nobody can write the row in between.
 *
 * <p>In all of them {@code t} is the target's row and {@code d} the change's: {@code c0…} its
 * values, {@code b0…} those of the row before it, {@code based} whether those are known, {@code
 * fresh} whether the source says that there was no row before, {@code micros} when it was
 * committed.
 */
final class Guard {
  /** What of a change a guard looks at besides its key. */
  enum Needs {
    NOTHING,
    BASE,
    TIME
  }

  private final Needs needs;
  private final @Nullable String foreign;
  private final @Nullable String foreignToDeletion;
  private final @Nullable String foreignToInsertion;
  private final InsertOver insertOver;

  /** What an insert does that finds a row of its key. */
  enum InsertOver {
    /** Writes over it. */
    ALWAYS,
    /** Writes over it if it is not foreign. */
    OWN,
    /** Leaves it. */
    NEVER
  }

  private Guard(
      Needs needs,
      @Nullable String foreign,
      @Nullable String foreignToDeletion,
      @Nullable String foreignToInsertion,
      InsertOver insertOver) {
    this.needs = needs;
    this.foreign = foreign;
    this.foreignToDeletion = foreignToDeletion;
    this.foreignToInsertion = foreignToInsertion;
    this.insertOver = insertOver;
  }

  /** For a table that nobody else writes: every change is put, whatever is there. */
  static Guard none() {
    return new Guard(Needs.NOTHING, null, null, null, InsertOver.ALWAYS);
  }

  /** For rows that were looked at and locked: what is there may be written, nothing may appear. */
  static Guard locked() {
    return new Guard(Needs.NOTHING, null, null, null, InsertOver.NEVER);
  }

  /**
   * The guard of a configuration's policy.
   *
   * @param inStep since when writes of others count, and whose writes are ours
   */
  static Guard of(
      ConflictPolicy policy, TableMapping mapping, DeleteHandling deletes, InStep inStep) {
    // Rows whose deletion was not passed on are there when the source uses their key again.
    boolean keepsDeleted = deletes == DeleteHandling.IGNORE;
    InsertOver exists = keepsDeleted ? InsertOver.ALWAYS : InsertOver.NEVER;
    String fresh = keepsDeleted ? "false" : "true";
    return switch (policy.detection()) {
      case ORIGIN -> {
        String foreign = foreignOrigin(inStep, mapping);
        yield new Guard(Needs.NOTHING, foreign, foreign, foreign, InsertOver.OWN);
      }
      case BEFORE_IMAGE -> {
        String differs = "(d.based and " + valuesDiffer(mapping) + ")";
        yield new Guard(Needs.BASE, differs, differs, fresh, exists);
      }
      case TIMESTAMP -> {
        Pair column = timestamp(policy, mapping);
        String own = "t." + Sql.name(column.target().name());
        int place = mapping.columns().indexOf(column);
        String newer =
            "coalesce(" + own + " > d.c" + place + "::" + column.target().type() + ", false)";
        String newerThanDeletion =
            "coalesce(" + own + " > " + committed(column.target()) + ", false)";
        yield new Guard(Needs.TIME, newer, newerThanDeletion, fresh, exists);
      }
      case EXISTENCE -> new Guard(Needs.NOTHING, "false", "false", fresh, exists);
      case AUTO -> throw new IllegalArgumentException("how conflicts are told is settled before");
    };
  }

  /**
   * INVARIANT: only writes after the target came in step count, and neither our own nor statements
   * that rewrote the table. A row whose writer the server no longer knows was written long ago; one
   * of the running transaction is ours.
   */
  private static String foreignOrigin(InStep inStep, TableMapping mapping) {
    String ours = inStep.origins().stream().map(String::valueOf).collect(joining(",", "'{", "}'"));
    return """
        coalesce(
          coalesce((pg_catalog.pg_xact_commit_timestamp_origin(t.xmin)).roident, 0)
            <> all (%s::oid[])
          and (coalesce(pg_catalog.pg_xact_commit_timestamp(t.xmin) > %s::timestamptz, false)
              and not %s%s),
          false)"""
        .formatted(
            ours,
            Sql.literal(inStep.since()),
            RewrittenRows.condition(mapping.target().name(), "t.xmin"),
            orKept(inStep, mapping));
  }

  private static String orKept(InStep inStep, TableMapping mapping) {
    if (inStep.kept() == null) {
      return "";
    }
    String key =
        mapping.key().stream()
            .map(pair -> "t." + Sql.name(pair.target().name()) + "::text")
            .collect(joining(", "));
    return """
         or exists (
              select
              from tidemark.kept_row r
              where r.configuration_id = '%s' and r.key_values = array[%s])"""
        .formatted(inStep.kept(), key);
  }

  private static String valuesDiffer(TableMapping mapping) {
    List<Pair> columns = mapping.columns();
    String now =
        columns.stream().map(pair -> "t." + Sql.name(pair.target().name())).collect(joining(", "));
    // Cast as an assignment would: a value that the column rounds is equal to what it holds.
    String before =
        IntStream.range(0, columns.size())
            .mapToObj(i -> "d.b" + i + "::" + columns.get(i).target().type())
            .collect(joining(", "));
    // One value may have several images, so those that differ are compared as texts.
    return ("(row(%1$s)::record operator(pg_catalog.*<>) row(%2$s)::record"
            + " and row(%1$s)::text operator(pg_catalog.<>) row(%2$s)::text)")
        .formatted(now, before);
  }

  private static Pair timestamp(ConflictPolicy policy, TableMapping mapping) {
    String name = policy.timestamp().orElseThrow();
    return mapping.columns().stream()
        .filter(pair -> pair.target().name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("the timestamp column is not mapped"));
  }

  /** A commit's time as a value of the column's type; a type without a zone is read as UTC. */
  static String committed(ColumnShape column) {
    String time = "(timestamptz 'epoch' + d.micros * interval '1 microsecond')";
    return column.castType().equals("timestamp with time zone")
        ? time
        : "(" + time + " at time zone 'UTC')::" + column.castType();
  }

  Needs needs() {
    return needs;
  }

  /** Whether anybody else's writes are looked for at all. */
  boolean isWatchful() {
    return foreignToInsertion != null;
  }

  InsertOver insertOver() {
    return insertOver;
  }

  /** A condition to be added to an update's: that the row is not foreign. Empty for none. */
  String andOwn() {
    return and(foreign);
  }

  /** A condition to be added to a deletion's. */
  String andOwnToDeletion() {
    return and(foreignToDeletion);
  }

  private static String and(@Nullable String foreign) {
    return foreign == null || foreign.equals("false") ? "" : "\n  and not " + foreign;
  }

  /** What an insert may write over, under {@link InsertOver#OWN}. */
  String ownToInsertion() {
    return "not " + foreignToInsertion;
  }

  /** Whether the row is foreign to its change, for a row source that has all columns. */
  String foreign() {
    return """
        case when d.gone then %s
             when d.fresh then %s
             else %s end"""
        .formatted(foreignToDeletion, foreignToInsertion, foreign);
  }

  /** Whether a row is foreign to a TRUNCATE; empty if rows cannot be told apart then. */
  String foreignToTruncate() {
    return needs == Needs.BASE || foreignToDeletion == null || foreignToDeletion.equals("false")
        ? ""
        : foreignToDeletion;
  }
}

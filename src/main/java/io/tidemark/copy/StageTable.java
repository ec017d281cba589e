package io.tidemark.copy;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The unlogged table beside the target that takes the source's rows before they are compared. Its
 * name carries the execution's id, and the copy's session holds an advisory lock of that name for
 * as long as it lives: a stage whose lock is free is nobody's.
 */
final class StageTable {
  private static final System.Logger LOG = System.getLogger(StageTable.class.getName());

  private static final String SCHEMA = "tidemark";
  private static final Pattern NAME = Pattern.compile("stage_([0-9a-f]{32})");

  private static final String STAGES =
      """
      select c.relname
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ? and c.relkind = 'r' and c.relname like 'stage\\_%'
      """;

  private static final String LOCK =
      "select pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended(?, 0))";
  private static final String TRY_LOCK =
      "select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended(?, 0))";
  private static final String UNLOCK =
      "select pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended(?, 0))";

  private static final Duration LOCK_MAX = Duration.ofSeconds(5);
  private static final Duration LOCK_LOOK_EVERY = Duration.ofMillis(20);

  private final TableName name;
  private final TableMapping mapping;

  StageTable(UUID execution, TableMapping mapping) {
    this.name = new TableName(SCHEMA, "stage_" + execution.toString().replace("-", ""));
    this.mapping = mapping;
  }

  TableName name() {
    return name;
  }

  /** Creates it empty, without indexes, with the target's types; the session keeps its lock. */
  void create(PgSession session) {
    takeLock(session);
    createSchema(session);
    session.execute("drop table if exists " + Sql.name(name));
    // Autovacuum has nothing to gain here and would compete with the load.
    session.execute(
        """
        create unlogged table %s with (autovacuum_enabled = false) as
        select %s
        from %s
        with no data
        """
            .formatted(
                Sql.name(name),
                Sql.names(names(mapping.columns())),
                Sql.name(mapping.target().name())));
  }

  /** An execution's former session may have ended here a moment before it ends at the server. */
  private void takeLock(PgSession session) {
    long until = System.nanoTime() + LOCK_MAX.toNanos();
    while (!session.isTrue(TRY_LOCK, name.toString())) {
      if (System.nanoTime() > until) {
        throw new IllegalStateException("the execution's stage is being filled already");
      }
      LockSupport.parkNanos(LOCK_LOOK_EVERY.toNanos());
    }
  }

  /** Two copies may be the first at once: the loser of that race finds the schema there. */
  private static void createSchema(PgSession session) {
    String there = "select pg_catalog.to_regnamespace(?) is not null";
    if (session.isTrue(there, SCHEMA)) {
      return;
    }
    try {
      session.execute("create schema if not exists " + Sql.name(SCHEMA));
    } catch (OperatingFailure e) {
      if (!session.isTrue(there, SCHEMA)) {
        throw e;
      }
      LOG.log(System.Logger.Level.DEBUG, "Another session created the schema", e);
    }
  }

  /** Whether the source itself promises that the mapped key is unique and not null. */
  boolean sourceKeepsKeyUnique() {
    List<String> key = mapping.key().stream().map(pair -> pair.source().name()).toList();
    return Set.copyOf(mapping.source().key()).equals(Set.copyOf(key));
  }

  /** Gives the filled stage its key: what the stream finds rows by, and the proof of uniqueness. */
  void index(PgSession session) {
    session.execute(
        "alter table %s add primary key (%s)"
            .formatted(Sql.name(name), Sql.names(names(mapping.key()))));
  }

  /** INVARIANT: without statistics the planner would take the stage for a few rows. */
  void analyze(PgSession session) {
    session.execute("analyze " + Sql.name(name));
  }

  void drop(PgSession session) {
    session.execute("drop table if exists " + Sql.name(name));
  }

  /**
   * Drops it when its copy has failed. INVARIANT: not before the copy's session is gone, which may
   * still be creating it: that session's lock is waited for.
   */
  void dropOnceAbandoned(PgSession session) {
    session.rows(LOCK, name.toString());
    drop(session);
  }

  /**
   * Drops the stages of copies that are no more.
   *
   * @param live executions that run anywhere; the advisory lock protects one that is not yet known
   * @return how many were dropped
   */
  static int sweep(PgSession session, Set<UUID> live) {
    int dropped = 0;
    for (List<@Nullable String> row : session.rows(STAGES, SCHEMA)) {
      TableName stage = new TableName(SCHEMA, String.valueOf(row.get(0)));
      Optional<UUID> execution = executionOf(stage.table());
      if (execution.isEmpty() || live.contains(execution.get())) {
        continue;
      }
      if (session.isTrue(TRY_LOCK, stage.toString())) {
        session.execute("drop table if exists " + Sql.name(stage));
        session.rows(UNLOCK, stage.toString());
        dropped++;
        LOG.log(
            System.Logger.Level.INFO,
            "Dropped a dead copy''s stage execution={0}",
            execution.get());
      }
    }
    return dropped;
  }

  private static Optional<UUID> executionOf(String table) {
    Matcher matcher = NAME.matcher(table);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    String hex = matcher.group(1);
    return Optional.of(
        new UUID(
            Long.parseUnsignedLong(hex.substring(0, 16), 16),
            Long.parseUnsignedLong(hex.substring(16), 16)));
  }

  private static List<String> names(List<Pair> pairs) {
    return pairs.stream().map(pair -> pair.target().name()).toList();
  }
}

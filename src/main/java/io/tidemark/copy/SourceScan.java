package io.tidemark.copy;

import io.tidemark.change.TableName;
import io.tidemark.postgres.Lsn;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.PgSession.Begin;
import io.tidemark.postgres.SourceSnapshot;
import io.tidemark.postgres.Sql;
import io.tidemark.postgres.TableShape;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The source table as one snapshot sees it, cut into chunks that several sessions read under that
 * same snapshot.
 */
final class SourceScan {
  // The position is read after the snapshot was taken, by one statement: see SourceSnapshot.lsn.
  private static final String SNAPSHOT =
      """
      select pg_catalog.pg_current_snapshot()::text,
             case when pg_catalog.pg_is_in_recovery()
                  then pg_catalog.pg_last_wal_replay_lsn()
                  else pg_catalog.pg_current_wal_insert_lsn() end::text
      """;

  /** A guess, for tables that were never analyzed. */
  private static final int ROWS_PER_BLOCK = 32;

  private final Sessions sessions;
  private final TableMapping mapping;
  private final List<PgSession> readers = new ArrayList<>();
  private final SourceSnapshot snapshot;
  private final Queue<Chunk> chunks;
  private final long units;

  /** Takes the snapshot, with one reader. */
  SourceScan(Sessions sessions, TableMapping mapping, CopySettings settings) {
    this.sessions = sessions;
    this.mapping = mapping;
    PgSession leader = sessions.openSource();
    readers.add(leader);
    leader.begin(Begin.REPEATABLE_READ_ONLY);
    lock(leader, mapping.source());
    List<@Nullable String> taken = leader.row(SNAPSHOT);
    this.snapshot =
        SourceSnapshot.parse(String.valueOf(taken.get(0)), Lsn.parse(String.valueOf(taken.get(1))));
    List<Chunk> cut = Chunk.cut(leader, mapping.source(), settings.chunkBytes());
    this.chunks = new ConcurrentLinkedQueue<>(cut);
    this.units = cut.stream().mapToLong(Chunk::units).sum();
  }

  SourceSnapshot snapshot() {
    return snapshot;
  }

  /** The session that took the snapshot. */
  PgSession leader() {
    return readers.get(0);
  }

  /**
   * Sessions that see the snapshot, each for one thread: as many as there is work for, at least
   * one.
   */
  List<PgSession> readers(int most) {
    int wanted = Math.min(most, chunks.size());
    if (readers.size() < wanted) {
      String exported = Sql.literal(leader().text("select pg_catalog.pg_export_snapshot()"));
      while (readers.size() < wanted) {
        PgSession reader = sessions.openSource();
        reader.begin(Begin.REPEATABLE_READ_ONLY);
        reader.execute("set transaction snapshot " + exported);
        readers.add(reader);
      }
    }
    return List.copyOf(readers);
  }

  /** What is still to be read, in order; shared by the readers. */
  Queue<Chunk> chunks() {
    return chunks;
  }

  /** The size of all chunks together. */
  long units() {
    return units;
  }

  /** About how many rows there are; the planner may never have looked. */
  long estimatedRows() {
    long planned = Math.max(mapping.source().estimatedRows(), mapping.target().estimatedRows());
    return planned > 0 ? planned : units * ROWS_PER_BLOCK;
  }

  /** Lets the snapshot go: while it is held, the source cannot clean up dead rows. */
  void end() {
    readers.forEach(sessions::close);
    readers.clear();
  }

  /**
   * Reads one chunk, the mapped columns in the mapping's order.
   *
   * @param condition an SQL expression over source columns that holds of the rows to read
   */
  String statement(Chunk chunk, CopyFormat format, Optional<String> condition) {
    List<String> conditions = new ArrayList<>();
    condition.ifPresent(conditions::add);
    String only = "";
    if (chunk.blocks() instanceof Chunk.Blocks.Range range) {
      // A table's inheritance children are tables of their own, to the change stream as well.
      only = "only ";
      conditions.add("ctid >= '(" + range.first() + ",0)'::tid");
      conditions.add("ctid < '(" + range.end() + ",0)'::tid");
    }
    // The line break ends a comment at the filter's end.
    mapping.rowFilter().ifPresent(filter -> conditions.add("(" + filter + "\n)"));
    String where = conditions.isEmpty() ? "" : "\nwhere " + String.join("\n  and ", conditions);
    String columns =
        mapping.columns().stream()
            .map(Pair::source)
            .map(column -> Sql.name(column.name()))
            .collect(Collectors.joining(", "));
    // The alias lets a filter name the table, also where a partition of it is read.
    TableName table = mapping.source().name();
    return """
        copy (
          select %s
          from %s%s as %s%s
        ) to stdout (format %s)
        """
        .formatted(
            columns,
            only,
            Sql.name(chunk.relation()),
            Sql.name(table.table()),
            where,
            format.word());
  }

  /**
   * INVARIANT: the lock comes before the snapshot. A TRUNCATE or a rewrite that committed between
   * the two would otherwise show an empty table to a snapshot that should see its rows.
   */
  private static void lock(PgSession leader, TableShape table) {
    switch (table.relationKind()) {
      case 'r' -> leader.execute("lock table only " + name(table) + " in access share mode");
      case 'p', 'v' -> leader.execute("lock table " + name(table) + " in access share mode");
      default -> {
        // Foreign tables and materialized views cannot be locked.
      }
    }
  }

  private static String name(TableShape table) {
    return Sql.name(table.name());
  }
}

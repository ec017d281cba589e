package io.tidemark.copy;

import io.tidemark.change.TableName;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.TableShape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A part of the source that one COPY reads.
 *
 * @param relation the table itself or one of its partitions
 * @param blocks which of its blocks; all of it if the relation has none of its own (a view)
 * @param units its size for the progress, in blocks
 */
record Chunk(TableName relation, Blocks blocks, long units) {
  /** A range of blocks. */
  sealed interface Blocks {
    /** The relation as a whole. */
    record All() implements Blocks {}

    /** From the first up to the block before {@code end}. */
    record Range(long first, long end) implements Blocks {}
  }

  // Read under the snapshot and a lock that no rewrite passes: a row that the snapshot sees lies in
  // a block below the size read here.
  private static final String RELATIONS =
      """
      select n.nspname, c.relname, c.relkind in ('r', 'm'),
             case when c.relkind in ('r', 'm')
                  then pg_catalog.pg_relation_size(c.oid)
                       / pg_catalog.current_setting('block_size')::int8
                  else 0 end,
             pg_catalog.current_setting('block_size')
      from pg_catalog.pg_class c
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind <> 'p'
        and (c.oid = ?::oid
          or c.oid in (
            select p.relid
            from pg_catalog.pg_partition_tree((select q.oid from pg_catalog.pg_class q
                                               where q.oid = ?::oid and q.relkind = 'p')) p
            where p.isleaf))
      order by c.oid
      """;

  /** Cuts the source table, in the order in which its rows lie. */
  static List<Chunk> cut(PgSession source, TableShape table, long chunkBytes) {
    List<Chunk> chunks = new ArrayList<>();
    for (List<@Nullable String> row : source.rows(RELATIONS, table.oid(), table.oid())) {
      TableName relation = new TableName(String.valueOf(row.get(0)), String.valueOf(row.get(1)));
      if (!"t".equals(row.get(2))) {
        chunks.add(new Chunk(relation, new Blocks.All(), 1));
        continue;
      }
      long blocks = Long.parseLong(row.get(3));
      long step = Math.max(1, chunkBytes / Long.parseLong(row.get(4)));
      for (long first = 0; first < blocks; first += step) {
        long end = Math.min(blocks, first + step);
        chunks.add(new Chunk(relation, new Blocks.Range(first, end), end - first));
      }
    }
    return chunks;
  }
}

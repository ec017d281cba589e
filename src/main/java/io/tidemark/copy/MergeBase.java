package io.tidemark.copy;

import io.tidemark.change.RowKey;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.util.BitSet;
import java.util.List;

/**
 * What the source's rows were at the snapshot, of those keys whose later changes the merge itself
 * applies to the stage. A target row that is still like that is in nobody's way: only the source
 * changed it, and that is no conflict.
 */
final class MergeBase implements MergeJoin.ChangedKeys {
  /** A session's own tables: they end with it, also when it is killed. */
  private static final TableName CHANGED = new TableName("pg_temp", "tidemark_changed");

  private static final TableName BASE = new TableName("pg_temp", "tidemark_base");

  private final PgSession session;
  private final TableMapping mapping;
  private final KeyRows keyRows;
  private boolean hasKeys;
  private boolean wholeTable;

  MergeBase(PgSession session, TableMapping mapping, KeyRows keyRows) {
    this.session = session;
    this.mapping = mapping;
    this.keyRows = keyRows;
  }

  @Override
  public void changed(List<RowKey> keys) {
    if (!hasKeys) {
      session.execute(
          "create temporary table tidemark_changed as select %s from %s with no data"
              .formatted(Sql.names(names(mapping.key())), Sql.name(mapping.target().name())));
      hasKeys = true;
    }
    keyRows.insert(session, CHANGED, keys);
  }

  @Override
  public void truncated() {
    wholeTable = true;
  }

  /** Whether no key is unchanged, so that the whole table has to be in the stage. */
  boolean isWholeTable() {
    return wholeTable;
  }

  /** Whether there is anything to compare with. */
  boolean isThere() {
    return hasKeys || wholeTable;
  }

  TableName table() {
    return BASE;
  }

  /** Adds the buckets of the changed keys: their rows must be in the stage, equal or not. */
  void addBuckets(DigestPlan plan, BitSet buckets) {
    if (hasKeys) {
      BucketDigests.addBuckets(session, plan.bucketsOf(Sql.name(CHANGED)), buckets);
    }
  }

  /** Takes the rows from the stage, before any change is applied to it. */
  void take(TableName stage) {
    if (!isThere()) {
      return;
    }
    String which =
        wholeTable
            ? ""
            : "where exists (select from %s as c where %s)"
                .formatted(Sql.name(CHANGED), Difference.keysEqual(mapping, "c", "s"));
    session.execute(
        """
        create temporary table tidemark_base as
        select %s
        from %s as s
        %s
        """
            .formatted(Difference.columns("s", mapping.columns()), Sql.name(stage), which));
    session.execute("analyze " + Sql.name(BASE));
  }

  /** Forgets rows that are not to be merged. */
  void remove(List<RowKey> keys) {
    if (isThere()) {
      keyRows.remove(session, BASE, keys);
    }
  }

  private static List<String> names(List<Pair> pairs) {
    return pairs.stream().map(pair -> pair.target().name()).toList();
  }
}

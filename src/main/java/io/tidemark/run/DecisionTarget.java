package io.tidemark.run;

import io.tidemark.apply.JdbcTargetRows;
import io.tidemark.apply.PgSourceRows;
import io.tidemark.apply.RowRefusal;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.conflict.Conflict;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Resolution;
import io.tidemark.conflict.RowsJson;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where decisions of one kind about one configuration's conflicts are carried out: a session on its
 * target, and the way to its source.
 */
final class DecisionTarget implements AutoCloseable {
  private final JdbcTargetRows rows;
  private final PgSourceRows source;
  private final @Nullable JdbcTargetRows back;

  private DecisionTarget(JdbcTargetRows rows, PgSourceRows source, @Nullable JdbcTargetRows back) {
    this.rows = rows;
    this.source = source;
    this.back = back;
  }

  /**
   * Opens it for the tables as they are now.
   *
   * <p>The source's row is written as our own, so that the row counts as in step afterwards. A
   * person's own row is not the source's: a later change of the source asks again.
   */
  static DecisionTarget open(
      SyncConfiguration configuration,
      Acceptance.Accepted accepted,
      ConnectionRegistry connections,
      Resolution resolution) {
    SyncDefinition definition = configuration.definition();
    PgDatabase target = database(connections, definition.targetConnection());
    PgDatabase source = database(connections, definition.sourceConnection());
    boolean marked =
        resolution == Resolution.SOURCE && accepted.detection().mode() == ConflictDetection.ORIGIN;
    JdbcTargetRows rows =
        marked
            ? JdbcTargetRows.openMarked(target, accepted.mapping(), configuration.id())
            : JdbcTargetRows.open(target, accepted.mapping());
    try {
      JdbcTargetRows back =
          definition.bidirectional() && resolution != Resolution.SOURCE
              ? JdbcTargetRows.openMarked(source, accepted.mapping().reversed(), configuration.id())
              : null;
      return new DecisionTarget(rows, new PgSourceRows(source, accepted.mapping()), back);
    } catch (RuntimeException e) {
      rows.close();
      throw e;
    }
  }

  /**
   * Lets the target's row stand. Where changes flow both ways it is written as it is, as its users
   * would: that change reaches the source. A row that is gone is deleted there.
   */
  Optional<RowRefusal> letStand(RowKey own, Found found) {
    if (back == null) {
      return Optional.empty();
    }
    if (found.row() != null) {
      return rows.put(own, found.row());
    }
    back.delete(own);
    back.commit();
    return Optional.empty();
  }

  /**
   * Lets the source have what the target has of two rows that held one unique value, where changes
   * flow both ways: the row of the conflict first, which lets go of it.
   *
   * @param row of the conflict's key, in the target; null for none
   */
  Optional<RowRefusal> letBothStand(RowKey own, @Nullable Row row, Found holder) {
    if (back == null) {
      return Optional.empty();
    }
    Optional<RowRefusal> refusal = Optional.empty();
    if (row == null) {
      back.delete(own);
    } else {
      refusal = back.put(own, back.named(row));
    }
    if (refusal.isEmpty() && holder.key() != null && holder.row() != null) {
      refusal = back.put(holder.key(), back.named(holder.row()));
    }
    if (refusal.isEmpty()) {
      back.commit();
    } else {
      back.rollback();
    }
    return refusal;
  }

  /** The source's newest row of a key. */
  Optional<Row> newest(RowKey key) {
    return Optional.ofNullable(source.newest(List.of(key)).get(key));
  }

  private static PgDatabase database(ConnectionRegistry connections, String name) {
    return connections
        .find(name)
        .orElseThrow(
            () ->
                new OperatingFailure(
                    OperatingFailure.Kind.USER,
                    "connection_unknown",
                    "there is no connection named '" + name + "'",
                    "create it, or name another one in the configuration",
                    null));
  }

  JdbcTargetRows rows() {
    return rows;
  }

  RowKey keyOf(Conflict conflict) {
    return rows.keyOf(rowOf(conflict.key()));
  }

  /** The source's newest row as far as the stream has come, complete; empty if it is gone. */
  Optional<Row> newestOf(Conflict conflict) {
    Row known = RowsJson.row(conflict.sourceRow());
    if (known == null || rows.isComplete(known)) {
      return Optional.ofNullable(known);
    }
    RowKey key = keyOf(conflict);
    return Optional.ofNullable(source.newest(List.of(key)).get(key));
  }

  /** The row that a decision is about, held, and whether it is as the conflict has it. */
  Found find(Conflict conflict) {
    RowKey own = keyOf(conflict);
    Row recorded = RowsJson.row(conflict.targetRow());
    if (conflict.type() != ConflictType.UNIQUE_VIOLATION) {
      Optional<Row> row = rows.lock(own);
      return new Found(own, row.orElse(null), rows.holds(own, recorded));
    }
    if (recorded == null) {
      Optional<Row> holder = holder(conflict, own);
      return new Found(null, holder.orElse(null), holder.isEmpty());
    }
    RowKey other = rows.keyOf(recorded);
    Optional<Row> row = rows.lock(other);
    if (rows.holds(other, recorded)) {
      return new Found(other, row.orElse(null), true);
    }
    return new Found(other, holder(conflict, own).orElse(null), false);
  }

  private Optional<Row> holder(Conflict conflict, RowKey own) {
    Row values = RowsJson.row(conflict.sourceRow());
    return values == null
        ? Optional.empty()
        : rows.lockHolder(conflict.differingColumns(), values, own);
  }

  /**
   * What stands in the target.
   *
   * @param key the row's key; null if nobody holds the value any more
   * @param row null if there is none
   */
  record Found(@Nullable RowKey key, @Nullable Row row, boolean isAsRecorded) {
    @Nullable String text() {
      return RowsJson.text(row);
    }
  }

  private static Row rowOf(String json) {
    Row row = RowsJson.row(json);
    if (row == null) {
      throw new IllegalStateException("a conflict has a key");
    }
    return row;
  }

  @Override
  public void close() {
    try {
      rows.close();
    } finally {
      if (back != null) {
        back.close();
      }
    }
  }
}

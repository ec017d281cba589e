package io.tidemark.sync;

import io.tidemark.change.TableName;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictResolution;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the user asked to keep in step, each field as the user wrote it.
 *
 * @param sourceTable {@code table}, {@code schema.table}, or quoted as in SQL; {@link #source()}
 *     reads it
 * @param targetTable likewise
 * @param timestampColumn for {@link ConflictResolution#TIMESTAMP}
 * @param keyColumns source columns; empty: the primary key, else a unique not-null index
 * @param rowFilter SQL boolean expression over source columns, null for all rows
 * @param batchSize rows, 1 to {@value #BATCH_SIZE_MAX}
 * @param syncIntervalSeconds null: continuous for incremental and merge, on demand for full
 * @param mergeColumns whether changes of different columns of one row are both kept; merge only
 */
public record SyncDefinition(
    String name,
    String sourceTable,
    String targetTable,
    String sourceConnection,
    String targetConnection,
    SyncStrategy strategy,
    ConflictResolution conflictResolution,
    ConflictDetection conflictDetection,
    String timestampColumn,
    List<String> keyColumns,
    ColumnSelection columns,
    @Nullable String rowFilter,
    int batchSize,
    @Nullable Integer syncIntervalSeconds,
    boolean truncateTarget,
    DeleteHandling deleteHandling,
    InitialSync initialSync,
    boolean bidirectional,
    boolean mergeColumns,
    SchemaEvolution schemaEvolution,
    boolean enabled) {
  /** The contract's bound: a batch is held in memory, on both ends. */
  public static final int BATCH_SIZE_MAX = 50_000;

  public SyncDefinition {
    keyColumns = List.copyOf(keyColumns);
    if (batchSize < 1 || batchSize > BATCH_SIZE_MAX) {
      throw new IllegalArgumentException("a batch has 1 to " + BATCH_SIZE_MAX + " rows");
    }
  }

  public TableName source() {
    return TableName.parse(sourceTable);
  }

  public TableName target() {
    return TableName.parse(targetTable);
  }

  public Optional<Integer> intervalSeconds() {
    return Optional.ofNullable(syncIntervalSeconds);
  }

  /** Whether changes flow as they are committed, rather than at set times or on demand. */
  public boolean isContinuous() {
    return strategy != SyncStrategy.FULL && syncIntervalSeconds == null;
  }

  /** Whether the source's changes have to be captured; a merge at set times compares instead. */
  public boolean needsCapture() {
    return strategy == SyncStrategy.INCREMENTAL || isContinuous();
  }

  /** Whether target rows that differ when the first copy is made are the user's to keep. */
  public boolean beginsWithMerge() {
    return strategy == SyncStrategy.MERGE;
  }

  /** The tables whose changes have to be captured. */
  public List<CapturedTable> captured() {
    if (!needsCapture()) {
      return List.of();
    }
    CapturedTable read = new CapturedTable(sourceConnection, source());
    return bidirectional
        ? List.of(read, new CapturedTable(targetConnection, target()))
        : List.of(read);
  }

  /**
   * The way back, for a definition of both directions: the target's rows into the source.
   *
   * @param key the key's columns in the target
   */
  public SyncDefinition reversed(List<String> key) {
    return new SyncDefinition(
        name,
        targetTable,
        sourceTable,
        targetConnection,
        sourceConnection,
        strategy,
        switch (conflictResolution) {
          case SOURCE_WINS -> ConflictResolution.TARGET_WINS;
          case TARGET_WINS -> ConflictResolution.SOURCE_WINS;
          case TIMESTAMP, MANUAL -> conflictResolution;
        },
        conflictDetection,
        columns.targetOf(timestampColumn).orElse(timestampColumn),
        key,
        columns.reversed(),
        null,
        batchSize,
        syncIntervalSeconds,
        truncateTarget,
        deleteHandling,
        initialSync,
        bidirectional,
        mergeColumns,
        schemaEvolution,
        enabled);
  }

  /**
   * Whether this one carries the same rows to the same place as the other: if not, what was in step
   * before says nothing about now.
   */
  public boolean movesSameRowsAs(SyncDefinition other) {
    return source().equals(other.source())
        && target().equals(other.target())
        && bidirectional == other.bidirectional
        && sourceConnection.equals(other.sourceConnection)
        && targetConnection.equals(other.targetConnection)
        && keyColumns.equals(other.keyColumns)
        && columns.equals(other.columns)
        && java.util.Objects.equals(rowFilter, other.rowFilter);
  }

  /** What a configuration of this definition does when nothing has been started yet. */
  public SyncState stateAtRest() {
    if (!enabled) {
      return SyncState.DISABLED;
    }
    if (isContinuous()) {
      return SyncState.INITIALIZING;
    }
    return syncIntervalSeconds == null ? SyncState.IDLE : SyncState.SCHEDULED;
  }
}

package io.tidemark.run;

/** What an execution has done so far. */
public record ExecutionCounts(
    long rowsRead,
    long rowsInserted,
    long rowsUpdated,
    long rowsDeleted,
    long rowsUnchanged,
    long rowsSkipped,
    long conflictsDetected,
    long conflictsResolved,
    long batches,
    long bytes) {
  /** Nothing yet. */
  public static final ExecutionCounts NONE = new ExecutionCounts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  /** Both together. */
  public ExecutionCounts plus(ExecutionCounts other) {
    return new ExecutionCounts(
        rowsRead + other.rowsRead,
        rowsInserted + other.rowsInserted,
        rowsUpdated + other.rowsUpdated,
        rowsDeleted + other.rowsDeleted,
        rowsUnchanged + other.rowsUnchanged,
        rowsSkipped + other.rowsSkipped,
        conflictsDetected + other.conflictsDetected,
        conflictsResolved + other.conflictsResolved,
        batches + other.batches,
        bytes + other.bytes);
  }
}

package io.tidemark.apply;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;

/** A target table, for messages about its identity. */
public record TargetTable(String connection, TableName table) {
  /** Code of the failure that only a copy ends. */
  public static final String REPLACED = "target_replaced";

  /** There is no table of the name now: it was dropped, or renamed. */
  public OperatingFailure missing() {
    return new OperatingFailure(
        OperatingFailure.Kind.TARGET,
        "target_missing",
        "target table " + table + " of connection '" + connection + "' was dropped or renamed",
        "rename it back; if it was dropped, create it and run a full sync of this configuration",
        null);
  }

  /** Another table has the name now, and none of the rows that were synced before. */
  public OperatingFailure replaced() {
    return new OperatingFailure(
        OperatingFailure.Kind.TARGET,
        REPLACED,
        "target table "
            + table
            + " of connection '"
            + connection
            + "' was dropped and created again, or replaced, since the last full sync",
        "run a full sync of this configuration (execute with mode full)",
        null);
  }
}

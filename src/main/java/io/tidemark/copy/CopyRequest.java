package io.tidemark.copy;

import io.tidemark.sync.TableMapping;
import java.util.UUID;

/**
 * One table to copy.
 *
 * @param execution names the stage table, so that a sweep can tell whose it was
 */
public record CopyRequest(UUID execution, TableMapping mapping, Method method, AbsentRows absent) {
  /** How the target's rows are replaced. */
  public enum Method {
    /** Only what differs is written; readers see the old rows, then the new ones. */
    DIFFERENCE("share row exclusive"),
    /** Emptied and loaded in one transaction; readers wait meanwhile. */
    TRUNCATE("access exclusive");

    private final String lockMode;

    Method(String lockMode) {
      this.lockMode = lockMode;
    }

    /** How the target table is locked while it is written. */
    String lockMode() {
      return lockMode;
    }
  }

  /** What becomes of target rows that the source does not have. */
  public enum AbsentRows {
    DELETE,
    KEEP
  }

  /** Makes the target equal to the source and writes only what differs. */
  public static CopyRequest difference(UUID execution, TableMapping mapping) {
    return new CopyRequest(execution, mapping, Method.DIFFERENCE, AbsentRows.DELETE);
  }

  /** Leaves rows that only the target has. */
  static CopyRequest keeping(UUID execution, TableMapping mapping) {
    return new CopyRequest(execution, mapping, Method.DIFFERENCE, AbsentRows.KEEP);
  }

  /** Empties the target and loads it. */
  public static CopyRequest truncate(UUID execution, TableMapping mapping) {
    return new CopyRequest(execution, mapping, Method.TRUNCATE, AbsentRows.DELETE);
  }
}

package io.tidemark.declared;

import java.util.List;

/**
 * One step from what is there to what a file declares.
 *
 * @param details what changes, in words; of a connection only which fields do
 */
public record Change(Action action, Declared subject, List<String> details) {
  /** What is done. */
  public enum Action {
    CREATE,
    /** Its definition is replaced. */
    CHANGE,
    /** It is as declared, and belongs to the file from now on. */
    ADOPT,
    /** The file named it once and does so no more. */
    DELETE,
    KEEP
  }

  public Change {
    details = List.copyOf(details);
  }

  Change(Action action, Declared subject) {
    this(action, subject, List.of());
  }
}

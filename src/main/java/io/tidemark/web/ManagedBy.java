package io.tidemark.web;

import io.tidemark.declared.Declared;
import io.tidemark.declared.DeclaredSyncs;
import io.tidemark.declared.Kind;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Who changes a thing: the sync file if it names it, else whoever sends a request. */
final class ManagedBy {
  static final String DESCRIPTION =
      "The sync file, if it names this: requests that would change it are refused. Else null";
  static final String SYNC_FILE = "sync-file";

  private final Set<Declared> declared;

  private ManagedBy(Set<Declared> declared) {
    this.declared = Set.copyOf(declared);
  }

  /** As it is now, for all that one answer has. */
  static ManagedBy now(DeclaredSyncs declared) {
    return new ManagedBy(declared.owned());
  }

  @Nullable String of(Kind kind, String name) {
    return declared.contains(new Declared(kind, name)) ? SYNC_FILE : null;
  }
}

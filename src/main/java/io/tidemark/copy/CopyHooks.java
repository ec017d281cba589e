package io.tidemark.copy;

/** What takes part in a copy from outside: the change stream, and who prepares target sessions. */
public record CopyHooks(StreamJoin join, TargetPreparation preparation) {
  /** A plain full sync. */
  public static final CopyHooks NONE = new CopyHooks(StreamJoin.none(), TargetPreparation.NONE);
}

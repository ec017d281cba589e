package io.tidemark.conflict;

/**
 * Decides conflicts by a configuration's strategy. Pure: the same facts give the same verdict, on
 * every instance and after every crash.
 */
public final class ConflictResolver {
  private final ConflictResolution strategy;

  public ConflictResolver(ConflictResolution strategy) {
    this.strategy = strategy;
  }

  public ConflictResolution strategy() {
    return strategy;
  }

  /**
   * The verdict on one conflict.
   *
   * <p>A row that both sides have deleted needs no decision, whatever the strategy. By timestamp
   * the newer side wins; a tie is the source's, and so is a row that the target has deleted,
   * because a deletion at the target leaves no time behind.
   *
   * @param age used by {@link ConflictResolution#TIMESTAMP} alone
   */
  public Verdict decide(ConflictType type, Age age) {
    if (type == ConflictType.DELETE_MISSING) {
      return Verdict.KEEP;
    }
    return switch (strategy) {
      case SOURCE_WINS -> Verdict.APPLY;
      case TARGET_WINS -> Verdict.KEEP;
      case TIMESTAMP -> age == Age.TARGET_NEWER ? Verdict.KEEP : Verdict.APPLY;
      case MANUAL -> Verdict.REVIEW;
    };
  }
}

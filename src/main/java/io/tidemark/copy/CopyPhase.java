package io.tidemark.copy;

import java.util.Locale;

/** Where a copy stands; phases that a copy does not need are passed over. */
public enum CopyPhase {
  SNAPSHOT(0, 1),
  /** A merge finds out which parts of the two tables differ. */
  DIGEST(1, 30),
  COPY(1, 60),
  INDEX(60, 65),
  CATCH_UP(65, 70),
  COMPARE(70, 85),
  WRITE(85, 99),
  COMMIT(99, 100);

  private final int percentAtStart;
  private final int percentAtEnd;

  CopyPhase(int percentAtStart, int percentAtEnd) {
    this.percentAtStart = percentAtStart;
    this.percentAtEnd = percentAtEnd;
  }

  /** Percent of the whole copy when this phase begins: a rule of thumb from measured copies. */
  int percentAtStart() {
    return percentAtStart;
  }

  int percentAtEnd() {
    return percentAtEnd;
  }

  /** As the API writes it: {@code catch_up}. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}

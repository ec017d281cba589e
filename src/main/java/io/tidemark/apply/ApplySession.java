package io.tidemark.apply;

/** One stretch of a loop between failures. Used by the loop's thread, but for {@link #wakeup()}. */
interface ApplySession extends AutoCloseable {
  /** Waits for changes a while, and applies those that came. */
  void step();

  /**
   * Whether changes flow here: in each partition some have been written, or none are left to write.
   * Not while others apply all of them.
   */
  boolean isFlowing();

  /**
   * Whether others apply all there is, while whatever this session would need has been seen to
   * answer.
   */
  boolean isStandingBy();

  /** Makes {@link #step()} end at once; from any thread. */
  void wakeup();

  @Override
  void close();
}

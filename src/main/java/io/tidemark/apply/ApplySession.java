package io.tidemark.apply;

/** One stretch of a loop between failures. Used by the loop's thread, but for {@link #wakeup()}. */
interface ApplySession extends AutoCloseable {
  /** Waits for changes a while, and applies those that came. */
  void step();

  /**
   * Whether changes flow here: not while other instances apply all of them, nor before the first
   * that it began to write are written.
   */
  boolean isFlowing();

  /** Makes {@link #step()} end at once; from any thread. */
  void wakeup();

  @Override
  void close();
}

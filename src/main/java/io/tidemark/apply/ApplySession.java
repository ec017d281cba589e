package io.tidemark.apply;

/** One stretch of a loop between failures. Used by the loop's thread, but for {@link #wakeup()}. */
interface ApplySession extends AutoCloseable {
  /** Waits for changes a while, and applies those that came. */
  void step();

  /** Whether there is something to apply here; not while other instances do all of it. */
  boolean isAssigned();

  /** Makes {@link #step()} end at once; from any thread. */
  void wakeup();

  @Override
  void close();
}

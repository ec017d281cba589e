package io.tidemark.copy;

/** Unwinds a copy that is cancelled or whose thread is interrupted; never leaves this room. */
final class CopyCancelled extends RuntimeException {
  private static final long serialVersionUID = 1L;

  CopyCancelled() {
    super("cancelled", null, false, false);
  }
}

package io.tidemark.copy;

/** Unwinds a copy that was cancelled between two statements; never leaves this room. */
final class CopyCancelled extends RuntimeException {
  private static final long serialVersionUID = 1L;

  CopyCancelled() {
    super("cancelled", null, false, false);
  }
}

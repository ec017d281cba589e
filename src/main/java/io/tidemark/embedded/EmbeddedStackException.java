package io.tidemark.embedded;

/**
 * The embedded stack cannot run; the message tells the person who started it why and what to do.
 */
public final class EmbeddedStackException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  EmbeddedStackException(String message) {
    super(message);
  }

  EmbeddedStackException(String message, Throwable cause) {
    super(message, cause);
  }
}

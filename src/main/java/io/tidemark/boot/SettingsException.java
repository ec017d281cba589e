package io.tidemark.boot;

/** A setting that cannot be used; the message is fit for the user and names it. */
final class SettingsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  SettingsException(String message) {
    super(message);
  }
}

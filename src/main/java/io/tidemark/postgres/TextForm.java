package io.tidemark.postgres;

/**
 * One text for one value: values travel as text, and what a session writes and reads as text
 * depends on settings that a role, a database or a machine may have otherwise.
 */
public final class TextForm {
  /**
   * Statements that every session runs which takes values out of one database or brings them into
   * another. Floats are exact, {@code money} has no currency of a country, {@code xml} need not be
   * a document.
   */
  public static final String SETTINGS =
      """
      set timezone = 'UTC';
      set datestyle = 'ISO';
      set intervalstyle = 'postgres';
      set bytea_output = 'hex';
      set extra_float_digits = 1;
      set lc_monetary = 'C';
      set xmloption = 'content';
      """;

  private TextForm() {}
}

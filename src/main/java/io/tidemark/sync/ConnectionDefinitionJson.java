package io.tidemark.sync;

import java.util.Optional;
import java.util.function.UnaryOperator;

/** Reads a connection's definition, wherever it is written. */
public final class ConnectionDefinitionJson {
  private static final int URL_MAX = 2048;
  private static final int CREDENTIAL_MAX = 1024;

  private ConnectionDefinitionJson() {}

  /**
   * Reads one that names itself; what is wrong is among the fields' errors.
   *
   * @param resolve makes values of what is written
   */
  public static ConnectionDefinition read(FieldsJson fields, UnaryOperator<String> resolve) {
    return read(fields, fields.requiredText("name", CREDENTIAL_MAX), resolve);
  }

  /** Likewise, one whose name is known and may be repeated. */
  public static ConnectionDefinition readNamed(FieldsJson fields, String name) {
    String given = fields.text("name", CREDENTIAL_MAX).orElse(name);
    if (!given.equals(name)) {
      fields.refuse("name", "'name' is '" + name + "' in the path; it cannot be changed");
    }
    return read(fields, given, UnaryOperator.identity());
  }

  private static ConnectionDefinition read(
      FieldsJson fields, String name, UnaryOperator<String> resolve) {
    String url = resolve.apply(fields.requiredText("url", URL_MAX));
    if (!name.isEmpty()) {
      ConnectionDefinition.problemOfName(name).ifPresent(problem -> fields.refuse("name", problem));
    }
    if (!url.isEmpty()) {
      ConnectionDefinition.problemOfUrl(url).ifPresent(problem -> fields.refuse("url", problem));
    }
    Optional<String> username = fields.text("username", CREDENTIAL_MAX).map(resolve);
    Optional<String> password = fields.text("password", CREDENTIAL_MAX).map(resolve);
    return new ConnectionDefinition(name, url, username.orElse(null), password.orElse(null));
  }
}

package io.tidemark.sync;

import io.tidemark.postgres.PgDatabase;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A connection as a user makes it over REST.
 *
 * @param password null if the server needs none
 */
public record ConnectionDefinition(
    String name, String url, @Nullable String username, @Nullable String password) {
  private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9_-]{0,31}");
  private static final String SCHEME = "jdbc:postgresql:";

  /**
   * The driver's parameters that a URL may carry. Others load classes, read or write files of this
   * machine, or carry a password to where it is shown.
   */
  private static final Set<String> PARAMETERS =
      Set.of(
          "sslmode",
          "channelBinding",
          "connectTimeout",
          "socketTimeout",
          "loginTimeout",
          "tcpKeepAlive",
          "targetServerType",
          "gssEncMode");

  /** What is wrong with a name, or empty. Topics, slots and publications are named after it. */
  public static Optional<String> problemOfName(String name) {
    return NAME.matcher(name).matches()
        ? Optional.empty()
        : Optional.of(
            "a connection's name is 1 to 32 of a-z, 0-9, _ and -, and starts with a-z or 0-9");
  }

  /** What is wrong with a URL, or empty; never quotes the URL. */
  public static Optional<String> problemOfUrl(String url) {
    if (!url.startsWith(SCHEME) || url.chars().anyMatch(c -> c <= ' ')) {
      return Optional.of("'url' is a JDBC URL: jdbc:postgresql://host:port/database");
    }
    if (url.contains("@")) {
      return Optional.of("'url' holds no user and password; give them as username and password");
    }
    int query = url.indexOf('?');
    Set<String> refused = new LinkedHashSet<>();
    if (query >= 0) {
      for (String parameter : url.substring(query + 1).split("&")) {
        String key = parameter.replaceAll("=.*", "");
        if (!PARAMETERS.contains(key)) {
          refused.add(key);
        }
      }
    }
    return refused.isEmpty()
        ? Optional.empty()
        : Optional.of(
            "'url' may not set "
                + String.join(", ", refused)
                + "; give user and password as username and password");
  }

  public PgDatabase database() {
    return new PgDatabase(name, url, username, password);
  }

  /** Without the password. */
  @Override
  public String toString() {
    return "ConnectionDefinition[" + name + "]";
  }
}

package io.tidemark.web;

import io.tidemark.change.WireName;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The tokens of {@code tidemark.api.tokens}: a list of {@code role:token}. */
final class ApiTokens {
  /** A token is the only secret between a stranger and the databases. */
  private static final int LENGTH_MIN = 16;

  private final List<Token> tokens;

  private ApiTokens(List<Token> tokens) {
    this.tokens = List.copyOf(tokens);
  }

  /** A digest, so that comparing takes as long for a near miss as for a far one. */
  private record Token(ApiRole role, byte[] digest) {}

  /**
   * Reads the setting.
   *
   * @throws IllegalArgumentException with a sentence fit for the user, without the token
   */
  static ApiTokens parse(List<String> setting) {
    List<Token> tokens = new ArrayList<>();
    for (String entry : setting) {
      int colon = entry.indexOf(':');
      Optional<ApiRole> role =
          colon < 0
              ? Optional.empty()
              : WireName.find(ApiRole.class, entry.substring(0, colon).strip());
      String token = entry.substring(colon + 1).strip();
      if (role.isEmpty() || token.length() < LENGTH_MIN) {
        throw new IllegalArgumentException(
            "tidemark.api.tokens is a list of role:token, the role one of "
                + WireName.listOf(ApiRole.class)
                + ", the token at least "
                + LENGTH_MIN
                + " characters");
      }
      tokens.add(new Token(role.get(), digest(token)));
    }
    return new ApiTokens(tokens);
  }

  /** Whether requests need a token at all. */
  boolean areRequired() {
    return !tokens.isEmpty();
  }

  /** The role of a token, or empty if it is none of ours. */
  Optional<ApiRole> roleOf(String token) {
    byte[] digest = digest(token);
    Optional<ApiRole> role = Optional.empty();
    for (Token known : tokens) {
      if (MessageDigest.isEqual(known.digest(), digest)) {
        role = Optional.of(known.role());
      }
    }
    return role;
  }

  private static byte[] digest(String token) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}

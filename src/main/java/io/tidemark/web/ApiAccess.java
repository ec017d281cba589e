package io.tidemark.web;

import jakarta.inject.Singleton;
import java.util.List;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** Who may call: bearers of the settings' tokens and of an issuer's. Without either, everybody. */
@Singleton
final class ApiAccess {
  private final ApiTokens tokens;
  private final Optional<JwtIssuer> issuer;

  ApiAccess(
      @ConfigProperty(name = "tidemark.api.tokens") Optional<List<String>> tokens,
      @ConfigProperty(name = "tidemark.api.jwt.issuer") Optional<String> issuer,
      @ConfigProperty(name = "tidemark.api.jwt.keys-url") Optional<String> keys,
      @ConfigProperty(name = "tidemark.api.jwt.audience") Optional<String> audience,
      @ConfigProperty(name = "tidemark.api.jwt.roles-claim", defaultValue = "roles")
          String rolesClaim) {
    this.tokens = ApiTokens.parse(tokens.orElse(List.of()));
    this.issuer =
        issuer.map(
            name ->
                new JwtIssuer(
                    name, required("keys-url", keys), required("audience", audience), rolesClaim));
  }

  private static String required(String setting, Optional<String> value) {
    return value.orElseThrow(
        () ->
            new IllegalArgumentException(
                "tidemark.api.jwt.issuer is set, so tidemark.api.jwt." + setting + " is needed"));
  }

  boolean needsToken() {
    return tokens.areRequired() || issuer.isPresent();
  }

  /** Whoever bears the token; empty if it is not a valid one. */
  Optional<Caller> callerOf(String token) {
    return tokens
        .roleOf(token)
        .map(Caller::of)
        .or(() -> issuer.flatMap(known -> known.callerOf(token)));
  }
}

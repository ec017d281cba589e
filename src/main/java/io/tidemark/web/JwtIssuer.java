package io.tidemark.web;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.KeySourceException;
import com.nimbusds.jose.jwk.source.JWKSource;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.jwk.source.RateLimitReachedException;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.WireName;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.text.ParseException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/**
 * Tells who a JSON Web Token (RFC 7519) is for, and what it may do. It is one of a single issuer,
 * for us as its audience, signed with one of the issuer's keys, and says a role.
 */
final class JwtIssuer {
  private static final Logger LOG = Logger.getLogger(JwtIssuer.class);

  /** INVARIANT: asymmetric ones only. With others whoever can check a token can make one. */
  private static final Set<JWSAlgorithm> ALGORITHMS =
      Set.of(
          JWSAlgorithm.RS256,
          JWSAlgorithm.RS384,
          JWSAlgorithm.RS512,
          JWSAlgorithm.PS256,
          JWSAlgorithm.PS384,
          JWSAlgorithm.PS512,
          JWSAlgorithm.ES256,
          JWSAlgorithm.ES384,
          JWSAlgorithm.ES512);

  /** A token with an unknown key makes us ask the issuer: anybody can send those. */
  private static final long FETCH_MILLIS_MIN = 5_000;

  private final DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
  private final List<String> rolesClaim;
  private volatile boolean hadKeys;

  /**
   * @param issuer the exact {@code iss}
   * @param keys the URL of the issuer's JSON Web Key Set
   * @param audience of the {@code aud}
   * @param rolesClaim the claim with one role or a list of them; dots lead into objects
   */
  JwtIssuer(String issuer, String keys, String audience, String rolesClaim) {
    this.rolesClaim = List.of(rolesClaim.split("\\."));
    JWKSource<SecurityContext> source =
        JWKSourceBuilder.create(url(keys))
            .retrying(true)
            .rateLimited(FETCH_MILLIS_MIN)
            .outageTolerantForever()
            .build();
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(ALGORITHMS, source));
    processor.setJWSTypeVerifier(
        new DefaultJOSEObjectTypeVerifier<>(
            JOSEObjectType.JWT, new JOSEObjectType("at+jwt"), null));
    processor.setJWTClaimsSetVerifier(
        new DefaultJWTClaimsVerifier<>(
            audience, new JWTClaimsSet.Builder().issuer(issuer).build(), Set.of("sub", "exp")));
  }

  private static URL url(String keys) {
    try {
      return URI.create(keys).toURL();
    } catch (IllegalArgumentException | MalformedURLException e) {
      throw new IllegalArgumentException(
          "tidemark.api.jwt.keys-url is not the URL of a JSON Web Key Set", e);
    }
  }

  /**
   * Whoever the token is for; empty if it is not a valid one. While the issuer is away, its known
   * keys hold.
   *
   * @throws OperatingFailure if the issuer's keys were never had
   */
  Optional<Caller> callerOf(String token) {
    try {
      JWTClaimsSet claims = processor.process(token, null);
      hadKeys = true;
      return Optional.of(new Caller(roleOf(claims).orElse(null), claims.getSubject()));
    } catch (KeySourceException e) {
      if (hadKeys && e instanceof RateLimitReachedException) {
        // Signed with a key that was not among the issuer's a moment ago.
        return Optional.empty();
      }
      throw new OperatingFailure(
          OperatingFailure.Kind.CAPACITY,
          "issuer_unreachable",
          "the keys of the tokens' issuer cannot be read",
          "check tidemark.api.jwt.keys-url and the way to it",
          e);
    } catch (ParseException | BadJOSEException | JOSEException e) {
      // The message speaks of claims and keys, never of the token.
      LOG.debugf("A token was refused: %s", e.getMessage());
      return Optional.empty();
    }
  }

  /** The role that may do most, of those that the token says; a valid token may say none. */
  private Optional<ApiRole> roleOf(JWTClaimsSet claims) {
    @Nullable Object at = claims.getClaims();
    for (String name : rolesClaim) {
      at = at instanceof Map<?, ?> map ? map.get(name) : null;
    }
    Collection<?> said =
        at instanceof Collection<?> many ? many : at == null ? List.of() : List.of(at);
    List<ApiRole> roles = new ArrayList<>();
    for (Object one : said) {
      WireName.find(ApiRole.class, String.valueOf(one)).ifPresent(roles::add);
    }
    return roles.stream().max(Comparator.naturalOrder());
  }
}

package io.tidemark.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.nullValue;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.tidemark.Await;
import io.tidemark.change.OperatingFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@QuarkusTest
@QuarkusTestResource(TestDatabases.class)
@TestProfile(JwtTest.WithIssuer.class)
@Tag("web")
@Execution(ExecutionMode.SAME_THREAD)
class JwtTest {
  private static final String ISSUER = "https://login.example.org/";
  private static final String AUDIENCE = "tidemark";

  /** An issuer, and one token of our own. */
  public static final class WithIssuer implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of("tidemark.api.tokens", "viewer:viewer-0123456789");
    }

    @Override
    public List<TestResourceEntry> testResources() {
      return List.of(new TestResourceEntry(Issuer.class));
    }
  }

  /** An issuer of tokens, as far as we see of one: its keys. */
  public static final class Issuer implements QuarkusTestResourceLifecycleManager {
    static volatile RSAKey key;
    static volatile boolean isDown;
    private HttpServer server;

    @Override
    public Map<String, String> start() {
      renew();
      try {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      server.createContext(
          "/keys",
          exchange -> {
            byte[] keys = new JWKSet(key.toPublicJWK()).toString().getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(isDown ? 503 : 200, keys.length);
            exchange.getResponseBody().write(keys);
            exchange.close();
          });
      server.start();
      return Map.of(
          "tidemark.api.jwt.issuer",
          ISSUER,
          "tidemark.api.jwt.keys-url",
          "http://127.0.0.1:" + server.getAddress().getPort() + "/keys",
          "tidemark.api.jwt.audience",
          AUDIENCE,
          "tidemark.api.jwt.roles-claim",
          "realm.roles");
    }

    static void renew() {
      try {
        key = new RSAKeyGenerator(2048).keyID(Instant.now().toString()).generate();
      } catch (JOSEException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public void stop() {
      server.stop(0);
    }
  }

  @BeforeEach
  void up() {
    Issuer.isDown = false;
    awaitKnownKey();
  }

  /** Keys are asked for every few seconds at most, and another test may have renewed them. */
  private static void awaitKnownKey() {
    Await.until(() -> list(token(claims("viewer").build())) == 200);
  }

  private static JWTClaimsSet.Builder claims(Object roles) {
    return new JWTClaimsSet.Builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .subject("ada@example.org")
        .expirationTime(Date.from(Instant.now().plusSeconds(600)))
        .claim("realm", Map.of("roles", roles));
  }

  private static String token(JWTClaimsSet claims) {
    return token(claims, Issuer.key);
  }

  private static String token(JWTClaimsSet claims, RSAKey key) {
    try {
      return signed(
          claims,
          new JWSHeader.Builder(JWSAlgorithm.RS256).keyID(key.getKeyID()).build(),
          new RSASSASigner(key));
    } catch (JOSEException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String signed(JWTClaimsSet claims, JWSHeader header, JWSSigner signer)
      throws JOSEException {
    SignedJWT jwt = new SignedJWT(header, claims);
    jwt.sign(signer);
    return jwt.serialize();
  }

  private static int list(String token) {
    return given()
        .header("Authorization", "Bearer " + token)
        .get(Api.ROOT + "/configurations")
        .statusCode();
  }

  private static int audit(String token) {
    return given().header("Authorization", "Bearer " + token).get(Api.ROOT + "/audit").statusCode();
  }

  @ParameterizedTest
  @CsvSource({"viewer, 200, 403", "operator, 200, 403", "admin, 200, 200", "janitor, 403, 403"})
  void theTokensRoleSaysWhatItMay(String role, int list, int audit) {
    String one = token(claims(role).build());
    String many = token(claims(List.of("guest", role)).build());

    assertThat(list(one)).isEqualTo(list);
    assertThat(audit(one)).isEqualTo(audit);
    assertThat(list(many)).isEqualTo(list);
    assertThat(audit(many)).isEqualTo(audit);
  }

  @Test
  void theTokensOfTheSettingsWorkBesideIt() {
    assertThat(list("viewer-0123456789")).isEqualTo(200);
    assertThat(list("stranger-0123456789")).isEqualTo(401);
  }

  @Test
  void onlyTheIssuersTokensForUsThatHaveNotExpired() throws JOSEException {
    assertThat(list(token(claims("admin").build()))).isEqualTo(200);
    assertThat(list(token(claims("admin").issuer("https://other.example.org/").build())))
        .isEqualTo(401);
    assertThat(list(token(claims("admin").audience("another").build()))).isEqualTo(401);
    assertThat(list(token(claims("admin").subject(null).build()))).isEqualTo(401);
    assertThat(
            list(
                token(
                    claims("admin")
                        .expirationTime(Date.from(Instant.now().minusSeconds(300)))
                        .build())))
        .isEqualTo(401);
    assertThat(list(token(claims("admin").expirationTime(null).build()))).isEqualTo(401);
    RSAKey stranger = new RSAKeyGenerator(2048).keyID(Issuer.key.getKeyID()).generate();
    assertThat(list(token(claims("admin").build(), stranger))).isEqualTo(401);
  }

  @Test
  void neitherUnsignedTokensNorThoseSignedWithThePublicKey() throws JOSEException {
    String unsigned = new PlainJWT(claims("admin").build()).serialize();
    byte[] known = Issuer.key.toPublicJWK().toJSONString().getBytes(StandardCharsets.UTF_8);
    String mac =
        signed(
            claims("admin").build(),
            new JWSHeader.Builder(JWSAlgorithm.HS256).keyID(Issuer.key.getKeyID()).build(),
            new MACSigner(known));

    assertThat(list(unsigned)).isEqualTo(401);
    assertThat(list(mac)).isEqualTo(401);
    assertThat(list("a.b.c")).isEqualTo(401);
    assertThat(list("eyJ.".repeat(2000))).isIn(401, 431);
  }

  @Test
  void knownKeysHoldWhileTheIssuerIsAwayAndNewOnesAreFetched() {
    Issuer.isDown = true;
    assertThat(list(token(claims("viewer").build()))).isEqualTo(200);
    Issuer.renew();
    assertThat(list(token(claims("viewer").build()))).isEqualTo(401);

    Issuer.isDown = false;

    awaitKnownKey();
  }

  @Test
  void anIssuerThatWasNeverReachedIsAFailureOfOurs() {
    JwtIssuer dead = new JwtIssuer(ISSUER, "http://127.0.0.1:1/keys", AUDIENCE, "roles");

    assertThatThrownBy(() -> dead.callerOf(token(claims("viewer").build())))
        .isInstanceOf(OperatingFailure.class)
        .extracting(failure -> ((OperatingFailure) failure).code())
        .isEqualTo("issuer_unreachable");
  }

  @Test
  void theRecordOfChangesNamesTheSubject() {
    String admin = token(claims("admin").build());
    TestDatabases.execute("source", "create table if not exists jwt_test (id bigint primary key)");
    TestDatabases.execute("target", "create table if not exists jwt_test (id bigint primary key)");
    String body =
        """
        {"name": "jwt", "source_table": "jwt_test", "target_table": "jwt_test",
         "sync_strategy": "full"}
        """;
    String id =
        given()
            .header("Authorization", "Bearer " + admin)
            .contentType("application/json")
            .body(body)
            .post(Api.ROOT + "/configurations")
            .then()
            .statusCode(201)
            .extract()
            .path("id");

    given()
        .header("Authorization", "Bearer " + admin)
        .queryParam("subject", "configurations/" + id)
        .get(Api.ROOT + "/audit")
        .then()
        .statusCode(200)
        .body("items", hasSize(1))
        .body("items[0].actor", equalTo("ada@example.org"))
        .body("items[0].action", equalTo("createConfiguration"))
        .body("items[0].document", equalTo(body));
    given()
        .header("Authorization", "Bearer " + admin)
        .delete(Api.ROOT + "/configurations/" + id)
        .then()
        .statusCode(204);
    given()
        .header("Authorization", "Bearer " + admin)
        .queryParam("actor", "ada@example.org")
        .queryParam("limit", 1)
        .get(Api.ROOT + "/audit")
        .then()
        .body("items[0].action", equalTo("deleteConfiguration"))
        .body("items[0].document", nullValue());
  }
}

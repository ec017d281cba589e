package io.tidemark.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.hamcrest.Matchers.equalTo;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
@QuarkusTestResource(TestDatabases.class)
@TestProfile(TokensTest.WithTokens.class)
@Tag("web")
@Execution(ExecutionMode.SAME_THREAD)
class TokensTest {
  private static final String NOBODY = "00000000-0000-0000-0000-000000000000";

  /** Sets one token for each role, and no issuer. */
  public static final class WithTokens implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of(
          "tidemark.api.tokens",
          "viewer:viewer-0123456789,operator:operator-0123456789,admin:admin-0123456789");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "viewer, 200, 403, 403, 403",
    "operator, 200, 404, 403, 403",
    "admin, 200, 404, 404, 400",
    "stranger, 401, 401, 401, 401"
  })
  void letsEachRoleDoWhatItMay(String role, int list, int pause, int delete, int connect) {
    var token = Map.of("Authorization", "Bearer " + role + "-0123456789");

    given().headers(token).get(Api.ROOT + "/configurations").then().statusCode(list);
    given()
        .headers(token)
        .post(Api.ROOT + "/configurations/" + NOBODY + "/pause")
        .then()
        .statusCode(pause);
    given().headers(token).delete(Api.ROOT + "/configurations/" + NOBODY).then().statusCode(delete);
    given().headers(token).post(Api.ROOT + "/captures/nowhere/reset").then().statusCode(delete);
    given()
        .headers(token)
        .contentType("application/json")
        .body("{}")
        .post(Api.ROOT + "/connections")
        .then()
        .statusCode(connect);
  }

  @Test
  void letsAnOperatorDecide() {
    for (String path : List.of("/conflicts/" + NOBODY + "/resolve", "/conflicts/resolve")) {
      given()
          .header("Authorization", "Bearer viewer-0123456789")
          .contentType("application/json")
          .body("{\"filter\": {}, \"resolution\": \"source\"}")
          .post(Api.ROOT + path)
          .then()
          .statusCode(403);
    }
    given()
        .header("Authorization", "Bearer operator-0123456789")
        .contentType("application/json")
        .body("{\"resolution\": \"source\"}")
        .post(Api.ROOT + "/conflicts/" + NOBODY + "/resolve")
        .then()
        .statusCode(404);
    given()
        .header("Authorization", "Bearer operator-0123456789")
        .contentType("application/json")
        .body("{\"filter\": {}, \"resolution\": \"source\"}")
        .post(Api.ROOT + "/conflicts/resolve")
        .then()
        .statusCode(200);
  }

  @Test
  void putsTheRoleOfWhoDecidesOnRecord() {
    for (String database : List.of("source", "target")) {
      TestDatabases.execute(database, "create table if not exists decided (id bigint primary key)");
    }
    TestDatabases.execute("store", "delete from sync_configurations");
    var operator = Map.of("Authorization", "Bearer operator-0123456789");
    String configuration =
        given()
            .headers(operator)
            .contentType("application/json")
            .body(
                """
                {"name": "decided", "source_table": "decided", "target_table": "decided",
                 "sync_strategy": "incremental", "conflict_resolution": "manual"}
                """)
            .post(Api.ROOT + "/configurations")
            .then()
            .statusCode(201)
            .extract()
            .path("id");
    TestDatabases.execute(
        "store",
        """
        insert into sync_conflicts
          (id, configuration_id, topic, partition, "offset", target_table, row_key, key_values,
           type, status, strategy, source_row, detected_at)
        values ('%1$s', '%1$s', 't', 0, 0, 'public.decided', '{"id": 1}', '{1}',
                'update_missing', 'pending', 'manual', '{"id": 1}', now())
        """
            .formatted(configuration));

    given()
        .headers(operator)
        .contentType("application/json")
        .body("{\"resolution\": \"target\"}")
        .post(Api.ROOT + "/conflicts/" + configuration + "/resolve")
        .then()
        .statusCode(200)
        .body("resolved_by", equalTo("operator"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Bearer", "Bearer ", "Basic admin-0123456789", "admin-0123456789"})
  void refusesWhatIsNoToken(String header) {
    given()
        .header("Authorization", header)
        .get(Api.ROOT + "/system")
        .then()
        .statusCode(401)
        .contentType(Api.PROBLEM)
        .header("WWW-Authenticate", "Bearer");
  }

  @Test
  void refusesASettingThatIsNone() {
    for (String entry : List.of("admin", "root:0123456789abcdef", "viewer:short", ":x", "")) {
      assertThatThrownBy(() -> ApiTokens.parse(List.of(entry)))
          .hasMessageContaining("role:token")
          .hasMessageNotContaining("0123456789abcdef");
    }
  }
}

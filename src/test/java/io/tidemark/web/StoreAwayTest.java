package io.tidemark.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.response.Response;
import io.tidemark.Await;
import io.tidemark.embedded.EmbeddedDatabase;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** A request that needs the metadata database, while that takes no sessions. */
@QuarkusTest
@QuarkusTestResource(TestDatabases.class)
@Tag("web")
@Execution(ExecutionMode.SAME_THREAD)
class StoreAwayTest {
  @BeforeEach
  void root() {
    RestAssured.basePath = Api.ROOT;
  }

  @AfterEach
  void back() {
    takesSessions(true);
    Await.untilAsserted(() -> given().get("/configurations").then().statusCode(200));
  }

  @Test
  void everyListSaysThatTheMetadataDatabaseIsAway() {
    List<String> lists = lists();
    takesSessions(false);

    Map<String, Integer> statuses = new TreeMap<>();
    for (String path : lists) {
      Response answer = given().basePath("").get(path);
      statuses.put(path, answer.statusCode());
      if (answer.statusCode() != 200) {
        answer
            .then()
            .statusCode(503)
            .body("type", equalTo("urn:tidemark:problem:store_unreachable"))
            .body("detail", containsString("the metadata database does not answer"))
            .body("detail", containsString("tidemark.store.url"));
      }
    }

    assertThat(statuses)
        .containsEntry(Api.ROOT + "/configurations", 503)
        .containsEntry(Api.ROOT + "/executions", 503)
        .containsEntry(Api.ROOT + "/conflicts", 503)
        .containsEntry(Api.ROOT + "/orchestrations", 503);
  }

  @Test
  void aChangeSaysSoAndIsNotMade() {
    takesSessions(false);

    given()
        .contentType("application/json")
        .body("{\"name\": \"n\", \"url\": \"jdbc:postgresql://localhost:1/x\"}")
        .post("/connections")
        .then()
        .statusCode(503)
        .body("detail", containsString("the metadata database does not answer"));

    takesSessions(true);
    Await.untilAsserted(() -> given().get("/connections/n").then().statusCode(404));
  }

  /** The paths that can be read without knowing an id or a name. */
  private static List<String> lists() {
    Map<String, Map<String, Object>> paths =
        given().basePath("").get("/q/openapi?format=json").jsonPath().getMap("paths");
    List<String> lists =
        paths.keySet().stream()
            .filter(path -> paths.get(path).containsKey("get") && !path.contains("{"))
            .toList();
    assertThat(lists).hasSizeGreaterThan(5);
    return lists;
  }

  private static void takesSessions(boolean allowed) {
    TestDatabases.execute(
        "target",
        "alter database " + EmbeddedDatabase.STORE + " allow_connections " + allowed,
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = '%s'"
            .formatted(EmbeddedDatabase.STORE));
  }
}

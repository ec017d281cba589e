package io.tidemark.web;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.nullValue;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What the sync file owns is changed in the file only. */
@QuarkusTest
@QuarkusTestResource(TestDatabases.class)
@Tag("web")
@Execution(ExecutionMode.SAME_THREAD)
class DeclaredTest {
  private static final String BODY =
      """
      {"name": "declared", "source_table": "declared_test", "target_table": "declared_test",
       "sync_strategy": "full"}
      """;

  private String configuration;

  @BeforeEach
  void configuration() {
    for (String database : List.of("source", "target")) {
      TestDatabases.execute(
          database, "create table if not exists declared_test (id bigint primary key)");
    }
    RestAssured.basePath = Api.ROOT;
    configuration =
        given()
            .contentType("application/json")
            .body(BODY)
            .post("/configurations")
            .then()
            .statusCode(201)
            .extract()
            .path("id");
    TestDatabases.execute(
        "store",
        "insert into sync_declared values ('configuration', 'declared'), ('connection', 'shop')");
  }

  @AfterEach
  void delete() {
    RestAssured.basePath = "";
    TestDatabases.execute("store", "delete from sync_configurations", "delete from sync_declared");
  }

  @Test
  void aRequestCannotChangeIt() {
    String path = "/configurations/" + configuration;
    given()
        .contentType("application/json")
        .body(BODY)
        .put(path)
        .then()
        .statusCode(409)
        .body(
            "detail",
            equalTo("configuration 'declared' comes from the sync file; change it there"));
    given().contentType("application/json").body("{}").patch(path).then().statusCode(409);
    given().delete(path).then().statusCode(409);
    given()
        .delete("/connections/shop")
        .then()
        .statusCode(409)
        .body("detail", containsString("connection 'shop' comes from the sync file"));
  }

  @Test
  void whatDoesNotChangeItsDefinitionIsForEverybody() {
    given()
        .get("/configurations/" + configuration)
        .then()
        .statusCode(200)
        .body("managed_by", equalTo("sync-file"));
    given()
        .get("/configurations")
        .then()
        .statusCode(200)
        .body("items.managed_by", equalTo(List.of("sync-file")));
    given().post("/configurations/" + configuration + "/pause").then().statusCode(200);
  }

  @Test
  void othersAreNotTheFiles() {
    TestDatabases.execute("store", "delete from sync_declared");

    given().get("/configurations/" + configuration).then().body("managed_by", nullValue());
    given().delete("/configurations/" + configuration).then().statusCode(204);
    given().delete("/configurations/" + configuration).then().statusCode(404);
  }

  @Test
  void saysWhatTheFileOwns() {
    given()
        .get("/sync-file")
        .then()
        .statusCode(200)
        .body("path", nullValue())
        .body("applied_at", nullValue())
        .body("problems", equalTo(List.of()))
        .body(
            "items",
            equalTo(
                List.of(
                    Map.of("kind", "connection", "name", "shop"),
                    Map.of("kind", "configuration", "name", "declared"))));
  }
}

package io.tidemark.web;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.nullValue;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.response.ValidatableResponse;
import io.tidemark.Await;
import io.tidemark.run.FakeSyncEngine;
import io.tidemark.run.JdbcExecutions;
import jakarta.inject.Inject;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@QuarkusTest
@QuarkusTestResource(TestDatabases.class)
@Tag("web")
@Execution(ExecutionMode.SAME_THREAD)
class OrchestrationsTest {

  @Inject FakeSyncEngine engine;
  @Inject JdbcExecutions executions;

  private String one;
  private String other;

  @BeforeEach
  void configurations() {
    engine.reset();
    deleteAll();
    RestAssured.basePath = Api.ROOT;
    one = configuration("one");
    other = configuration("other");
  }

  @AfterEach
  void deleteAll() {
    RestAssured.basePath = "";
    TestDatabases.execute(
        "store", "delete from sync_orchestrations", "delete from sync_configurations");
  }

  private static String configuration(String table) {
    for (String database : List.of("source", "target")) {
      TestDatabases.execute(
          database, "create table if not exists " + table + " (id bigint primary key)");
    }
    return given()
        .contentType("application/json")
        .body(
            """
            {"name": "%1$s", "source_table": "%1$s", "target_table": "%1$s",
             "sync_strategy": "full"}
            """
                .formatted(table))
        .post("/configurations")
        .then()
        .statusCode(201)
        .extract()
        .path("id");
  }

  private ValidatableResponse create(String more) {
    return given()
        .contentType("application/json")
        .body(
            """
            {"name": "nightly", "configurations": ["%s", "%s"]%s}
            """
                .formatted(one, other, more))
        .post("/orchestrations")
        .then()
        .log()
        .ifValidationFails();
  }

  private String created(String more) {
    return create(more).statusCode(201).extract().path("id");
  }

  @Test
  void answersTheWholeOrchestrationWithDefaultsWhenCreated() {
    create("")
        .statusCode(201)
        .header("Location", containsString(Api.ROOT + "/orchestrations/"))
        .header("ETag", "\"1\"")
        .body("name", equalTo("nightly"))
        .body("configurations", equalTo(List.of(one, other)))
        .body("mode", equalTo("sequential"))
        .body("max_parallel", equalTo(4))
        .body("on_failure", equalTo("stop"))
        .body("order", equalTo("given"))
        .body("execution_mode", nullValue())
        .body("sync_interval_seconds", nullValue())
        .body("last_execution", nullValue())
        .body("next_run_at", nullValue())
        .body("version", equalTo(1));
  }

  @Test
  void namesAreUnique() {
    created("");

    create("").statusCode(409).body("errors.field", equalTo(List.of("name")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "name | {\"configurations\": [\"ONE\"]}",
        "configurations | {\"name\": \"x\"}",
        "configurations | {\"name\": \"x\", \"configurations\": []}",
        "configurations | {\"name\": \"x\", \"configurations\": [\"ONE\", \"ONE\"]}",
        "configurations | {\"name\": \"x\", \"configurations\": [\"nightly\"]}",
        "configurations | {\"name\": \"x\", \"configurations\": [1]}",
        "configurations | {\"name\": \"x\", \"configurations\":"
            + " [\"00000000-0000-0000-0000-000000000000\"]}",
        "mode | {\"name\": \"x\", \"configurations\": [\"ONE\"], \"mode\": \"full\"}",
        "max_parallel | {\"name\": \"x\", \"configurations\": [\"ONE\"], \"max_parallel\": 0}",
        "max_parallel | {\"name\": \"x\", \"configurations\": [\"ONE\"], \"max_parallel\": 65}",
        "on_failure | {\"name\": \"x\", \"configurations\": [\"ONE\"], \"on_failure\": true}",
        "order | {\"name\": \"x\", \"configurations\": [\"ONE\"], \"order\": \"random\"}",
        "sync_interval_seconds | {\"name\": \"x\", \"configurations\": [\"ONE\"],"
            + " \"sync_interval_seconds\": -1}",
        "onFailure | {\"name\": \"x\", \"configurations\": [\"ONE\"], \"onFailure\": \"stop\"}",
        "next_run_at | {\"name\": \"x\", \"configurations\": [\"ONE\"], \"next_run_at\": \"now\"}"
      })
  void saysWhichFieldIsWrong(String field, String body) {
    given()
        .contentType("application/json")
        .body(body.replace("ONE", one))
        .post("/orchestrations")
        .then()
        .log()
        .ifValidationFails()
        .statusCode(400)
        .contentType(Api.PROBLEM)
        .body("errors.field", hasItem(field));

    given().get("/orchestrations").then().body("items", equalTo(List.of()));
  }

  @Test
  void replacesUnlessSomebodyElseHas() {
    String id = created("");
    String body =
        "{\"name\": \"weekly\", \"configurations\": [\"%s\"], \"mode\": \"parallel\"}"
            .formatted(other);

    given()
        .contentType("application/json")
        .header("If-Match", "\"7\"")
        .body(body)
        .put("/orchestrations/" + id)
        .then()
        .statusCode(412);
    given()
        .contentType("application/json")
        .header("If-Match", "\"1\"")
        .body(body)
        .put("/orchestrations/" + id)
        .then()
        .statusCode(200)
        .header("ETag", "\"2\"")
        .body("name", equalTo("weekly"))
        .body("configurations", equalTo(List.of(other)))
        .body("mode", equalTo("parallel"));

    // It no longer holds on to the one that it has let go.
    given().delete("/configurations/" + one).then().statusCode(204);
    given()
        .delete("/configurations/" + other)
        .then()
        .statusCode(409)
        .body("detail", containsString("weekly"));
  }

  @Test
  void pagesInOrderOfCreation() {
    String first = created("");
    given()
        .contentType("application/json")
        .body("{\"name\": \"second\", \"configurations\": [\"%s\"]}".formatted(one))
        .post("/orchestrations")
        .then()
        .statusCode(201);

    String next =
        given()
            .get("/orchestrations?limit=1")
            .then()
            .statusCode(200)
            .body("items.id", equalTo(List.of(first)))
            .extract()
            .path("next");
    given()
        .get("/orchestrations?limit=1&cursor=" + next)
        .then()
        .body("items.name", equalTo(List.of("second")))
        .body("next", nullValue());
    given()
        .get("/orchestrations?name=second")
        .then()
        .body("items.name", equalTo(List.of("second")));
    given().get("/orchestrations?nam=second").then().statusCode(400);
  }

  @Test
  void showsAnExecutionWithItsChildren() {
    String id = created("");
    String execution =
        given()
            .contentType("application/json")
            .body("{\"mode\": \"verify\"}")
            .post("/orchestrations/" + id + "/execute")
            .then()
            .statusCode(202)
            .header("Location", containsString(Api.ROOT + "/executions/"))
            .body("orchestration_id", equalTo(id))
            .body("mode", equalTo("verify"))
            .extract()
            .path("id");
    given()
        .post("/orchestrations/" + id + "/execute")
        .then()
        .statusCode(409)
        .body("execution_id", equalTo(execution));
    given()
        .delete("/orchestrations/" + id)
        .then()
        .statusCode(409)
        .body("execution_id", equalTo(execution));

    completeNext(0);
    given()
        .get("/executions/" + execution)
        .then()
        .statusCode(200)
        .body("status", equalTo("running"))
        .body("children.configuration_id", hasItem(one))
        .body("children[0].parent_id", equalTo(execution))
        .body("children[0].trigger", equalTo("orchestration"))
        .body("children[0].mode", equalTo("verify"));
    completeNext(1);

    Await.until(() -> given().get("/executions/" + execution).path("status").equals("completed"));
    given()
        .get("/orchestrations/" + id + "/executions")
        .then()
        .body("items.id", equalTo(List.of(execution)))
        .body("items[0].children.configuration_id", equalTo(List.of(one, other)))
        .body("items[0].progress.percent", equalTo(100.0F))
        .body("items[0].not_begun", equalTo(List.of()));
    given().get("/orchestrations/" + id).then().body("last_execution.id", equalTo(execution));
    given().post("/executions/" + execution + "/cancel").then().statusCode(409);
    given().delete("/orchestrations/" + id).then().statusCode(204);
    given().get("/executions/" + execution).then().statusCode(404);
  }

  /** The engine here only remembers what it was given: ends the next one in its place. */
  private void completeNext(int index) {
    Await.until(() -> engine.submitted.size() > index);
    UUID child = engine.submitted.get(index);
    executions.start(child);
    executions.complete(child);
  }

  @Test
  void cancelsWithItsChildren() {
    String id = created("");
    String execution =
        given().post("/orchestrations/" + id + "/execute").then().extract().path("id");
    Await.until(() -> engine.submitted.size() == 1);

    given().post("/executions/" + execution + "/cancel").then().statusCode(202);

    Await.until(() -> given().get("/executions/" + execution).path("status").equals("cancelled"));
    given()
        .get("/executions/" + execution)
        .then()
        .body("children.status", equalTo(List.of("cancelled")))
        .body("not_begun", equalTo(List.of(other)));
  }

  @Test
  void knowsOnlyWhatIsThere() {
    String nothing = "/orchestrations/00000000-0000-0000-0000-000000000000";
    given().get(nothing).then().statusCode(404).contentType(Api.PROBLEM);
    given().get("/orchestrations/nightly").then().statusCode(404);
    given().delete(nothing).then().statusCode(404);
    given().post(nothing + "/execute").then().statusCode(404);
    given().get(nothing + "/executions").then().statusCode(404);
  }
}

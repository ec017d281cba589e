package io.tidemark.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.endsWith;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.response.ValidatableResponse;
import io.tidemark.run.ExecutionCounts;
import io.tidemark.run.ExecutionProgress;
import io.tidemark.run.FakeSyncEngine;
import io.tidemark.run.JdbcExecutions;
import io.tidemark.run.VerificationResult;
import io.tidemark.sync.TableMapping;
import jakarta.inject.Inject;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

@QuarkusTest
@QuarkusTestResource(TestDatabases.class)
@Tag("web")
@Execution(ExecutionMode.SAME_THREAD)
class ConfigurationsTest {
  @Inject FakeSyncEngine engine;
  @Inject JdbcExecutions executions;

  @BeforeEach
  void tables() {
    engine.reset();
    TestDatabases.execute("store", "delete from sync_configurations");
    TestDatabases.execute(
        "source",
        "drop table if exists users",
        "create table users (id bigint primary key, name text, email text)");
    TestDatabases.execute(
        "target",
        "drop table if exists users",
        "create table users (id bigint primary key, name text, mail text)");
    RestAssured.basePath = Api.ROOT;
  }

  @AfterEach
  void resetPath() {
    RestAssured.basePath = "";
  }

  private static String body(String name, String more) {
    return """
        {"name": "%s", "source_table": "users", "target_table": "users",
         "sync_strategy": "incremental"%s}
        """
        .formatted(name, more);
  }

  private static ValidatableResponse create(String name, String more) {
    return given()
        .contentType("application/json")
        .body(body(name, more))
        .post("/configurations")
        .then()
        .log()
        .ifValidationFails();
  }

  private static String created(String name, String more) {
    return create(name, more).statusCode(201).extract().path("id");
  }

  @Test
  void answersTheWholeConfigurationWithDefaultsWhenCreated() {
    var response = create("users_sync", "");

    response
        .statusCode(201)
        .header("Location", containsString(Api.ROOT + "/configurations/"))
        .header("ETag", "\"1\"")
        .body("name", equalTo("users_sync"))
        .body("source_table", equalTo("users"))
        .body("source_connection", equalTo("source"))
        .body("conflict_resolution", equalTo("source_wins"))
        .body("conflict_detection", equalTo("auto"))
        .body("batch_size", equalTo(1000))
        .body("sync_interval_seconds", nullValue())
        .body("truncate_target", equalTo(false))
        .body("delete_handling", equalTo("apply"))
        .body("enabled", equalTo(true))
        .body("state", equalTo("initializing"))
        .body("last_execution", nullValue())
        .body("lag", nullValue())
        .body("created_at", endsWith("Z"))
        .body("version", equalTo(1))
        .body("warnings.code", hasItem("columns_left_out"));
  }

  @Test
  void resolvesTheMappingThatTheEngineGets() {
    String id = created("mapped", ", \"columns\": {\"id\": \"id\", \"email\": \"mail\"}");

    TableMapping mapping = engine.mappings.get(UUID.fromString(id));
    assertThat(mapping.columns())
        .extracting(pair -> pair.target().name())
        .containsExactly("id", "mail");
    assertThat(mapping.key()).extracting(pair -> pair.source().name()).containsExactly("id");
  }

  @Test
  void leavesNothingBehindWhenTheEngineFails() {
    engine.failing = true;

    create("users_sync", "")
        .statusCode(422)
        .contentType(Api.PROBLEM)
        .body("detail", equalTo("the slot cannot be made. Free one"));

    assertThat(engine.calls).containsExactly("created", "deleted");
    given().get("/configurations").then().body("items", equalTo(List.of()));
  }

  @Test
  void pagesInOrderOfCreation() {
    // Else they could not share a target table.
    String ignore = ", \"delete_handling\": \"ignore\"";
    created("a", ignore);
    created("b", ignore);
    created("c", ignore + ", \"enabled\": false");

    String next =
        given()
            .get("/configurations?limit=2")
            .then()
            .statusCode(200)
            .body("items.name", equalTo(List.of("a", "b")))
            .extract()
            .path("next");
    given()
        .get("/configurations?limit=2&cursor=" + next)
        .then()
        .body("items.name", equalTo(List.of("c")))
        .body("next", nullValue());
    given()
        .get("/configurations?enabled=false&state=disabled&name=c")
        .then()
        .body("items.name", equalTo(List.of("c")));
  }

  @Test
  void patchesSomeFieldsAndReplacesAll() {
    String id = created("users_sync", ", \"batch_size\": 7");

    given()
        .contentType("application/merge-patch+json")
        .body("{\"sync_interval_seconds\": 60}")
        .patch("/configurations/" + id)
        .then()
        .statusCode(200)
        .header("ETag", "\"2\"")
        .body("batch_size", equalTo(7))
        .body("state", equalTo("scheduled"));
    given()
        .contentType("application/merge-patch+json")
        .body("{\"batch_size\": null}")
        .patch("/configurations/" + id)
        .then()
        .body("batch_size", equalTo(1000));
    given()
        .contentType("application/json")
        .body(body("renamed", ""))
        .put("/configurations/" + id)
        .then()
        .statusCode(200)
        .body("name", equalTo("renamed"))
        .body("sync_interval_seconds", nullValue());
  }

  @Test
  void refusesAChangeOfAVersionThatIsNoMore() {
    String id = created("users_sync", "");

    for (String tag : List.of("\"2\"", "W/\"1\"", "nonsense")) {
      given()
          .contentType("application/json")
          .header("If-Match", tag)
          .body("{\"batch_size\": 5}")
          .patch("/configurations/" + id)
          .then()
          .statusCode(412);
    }
    given()
        .contentType("application/json")
        .header("If-Match", "\"1\"")
        .body("{\"batch_size\": 5}")
        .patch("/configurations/" + id)
        .then()
        .statusCode(200);
  }

  @Test
  void restoresTheDefinitionWhenTheEngineCannotFollow() {
    String id = created("users_sync", "");
    engine.failing = true;

    given()
        .contentType("application/json")
        .body("{\"batch_size\": 5}")
        .patch("/configurations/" + id)
        .then()
        .statusCode(422);

    given().get("/configurations/" + id).then().body("batch_size", equalTo(1000));
  }

  @Test
  void leavesBehindWhatIsOutOfReachOnlyWhenForced() {
    String id = created("users_sync", "");
    engine.sourceAway = true;

    given()
        .delete("/configurations/" + id)
        .then()
        .statusCode(422)
        .body("detail", containsString("?force=true"));
    given().delete("/configurations/" + id + "?force=yes").then().statusCode(400);
    given().get("/configurations/" + id).then().statusCode(200);
    given()
        .delete("/configurations/" + id + "?force=true")
        .then()
        .statusCode(200)
        .body("left_behind.connection", equalTo(List.of("source")))
        .body("left_behind[0].statements", equalTo(List.of("drop it")));
    given().get("/configurations/" + id).then().statusCode(404);
  }

  @Test
  void deletesWithEverything() {
    String id = created("users_sync", "");

    given().delete("/configurations/" + id).then().statusCode(204);

    given().get("/configurations/" + id).then().statusCode(404).contentType(Api.PROBLEM);
    assertThat(engine.calls).containsExactly("created", "deleted");
  }

  @Test
  void pausesAndResumes() {
    String id = created("users_sync", "");

    given()
        .post("/configurations/" + id + "/pause")
        .then()
        .statusCode(200)
        .body("state", equalTo("paused"));
    given().post("/configurations/" + id + "/pause").then().statusCode(200);
    given()
        .post("/configurations/" + id + "/execute")
        .then()
        .statusCode(409)
        .body("detail", containsString("resume"));
    given()
        .post("/configurations/" + id + "/resume")
        .then()
        .statusCode(200)
        .body("state", equalTo("initializing"));
    assertThat(engine.calls).containsExactly("created", "paused", "resumed");
  }

  @Test
  void saysWhenItsScheduleLetsItRunNext() {
    String id = created("hourly", ", \"sync_interval_seconds\": 3600");
    String made = given().get("/configurations/" + id).path("created_at");
    given().get("/configurations/" + id).then().body("next_run_at", equalTo(made));

    UUID execution =
        UUID.fromString(
            given().post("/configurations/" + id + "/execute").then().extract().path("id"));
    given().get("/configurations/" + id).then().body("next_run_at", nullValue());

    executions.start(execution);
    executions.complete(execution);
    Instant asked = executions.find(execution).orElseThrow().createdAt();
    given()
        .get("/configurations?name=hourly")
        .then()
        .body("items.next_run_at", equalTo(List.of(asked.plusSeconds(3600).toString())));
    given().post("/configurations/" + id + "/pause").then().body("next_run_at", nullValue());
  }

  @Test
  void runsOneExecutionAtATime() {
    String id = created("users_sync", "");

    String execution =
        given()
            .post("/configurations/" + id + "/execute")
            .then()
            .statusCode(202)
            .header("Location", containsString(Api.ROOT + "/executions/"))
            .body("mode", equalTo("incremental"))
            .body("trigger", equalTo("manual"))
            .body("status", equalTo("pending"))
            .body("rows_read", equalTo(0))
            .body("started_at", nullValue())
            .extract()
            .path("id");
    given()
        .contentType("application/json")
        .body("{\"mode\": \"full\"}")
        .post("/configurations/" + id + "/execute")
        .then()
        .statusCode(409)
        .body("execution_id", equalTo(execution))
        .body("detail", containsString(execution));

    executions.start(UUID.fromString(execution));
    executions.complete(UUID.fromString(execution));

    given()
        .get("/executions/" + execution)
        .then()
        .statusCode(200)
        .body("status", equalTo("completed"))
        .body("finished_at", notNullValue());
    given()
        .contentType("application/json")
        .body("{\"mode\": \"full\"}")
        .post("/configurations/" + id + "/execute")
        .then()
        .statusCode(202);
    given()
        .get("/executions?configuration_id=" + id)
        .then()
        .body("items.mode", equalTo(List.of("full", "incremental")));
    given().get("/configurations/" + id).then().body("last_execution.mode", equalTo("full"));
  }

  @Test
  void answersAllFieldsOfAnExecutionInTheirOrderUnknownOnesAsNull() {
    String id = created("users_sync", "");
    String execution =
        given().post("/configurations/" + id + "/execute").then().extract().path("id");
    UUID running = UUID.fromString(execution);
    executions.start(running);
    executions.report(
        running, ExecutionCounts.NONE, new ExecutionProgress("copy", null, null, null));

    String answer = given().get("/executions/" + execution).asString();

    assertThat(answer)
        .startsWith("{\"id\":\"" + execution + "\",\"configuration_id\":\"" + id)
        .contains(
            "\"source_lsn_end\":null,\"progress\":{\"phase\":\"copy\",\"percent\":null,"
                + "\"rows_per_second\":null,\"eta_seconds\":null},\"error\":null,"
                + "\"verification\":null}");
  }

  @Test
  void answersWhatAVerificationHasFound() {
    String id = created("users_sync", "");
    String execution =
        given()
            .contentType("application/json")
            .body("{\"repair\": true}")
            .post("/configurations/" + id + "/verify")
            .then()
            .statusCode(202)
            .header("Location", containsString(Api.ROOT + "/executions/"))
            .body("mode", equalTo("verify"))
            .body("verification", nullValue())
            .extract()
            .path("id");
    UUID verification = UUID.fromString(execution);
    assertThat(executions.find(verification).orElseThrow().repair()).isTrue();
    executions.recordVerification(
        verification,
        new VerificationResult(
            false,
            10,
            1,
            0,
            2,
            3,
            0,
            Instant.parse("2026-01-02T03:04:05Z"),
            List.of(new VerificationResult.Sample("different", Map.of("id", "7"), List.of("name"))),
            new VerificationResult.Repaired("merge", 4, 0, 5)));

    given()
        .get("/executions/" + execution)
        .then()
        .statusCode(200)
        .body("verification.equal", equalTo(false))
        .body("verification.rows_compared", equalTo(10))
        .body("verification.missing", equalTo(1))
        .body("verification.different", equalTo(2))
        .body("verification.undecided", equalTo(3))
        .body("verification.verified_up_to", equalTo("2026-01-02T03:04:05Z"))
        .body("verification.samples[0].kind", equalTo("different"))
        .body("verification.samples[0].key.id", equalTo("7"))
        .body("verification.samples[0].columns", equalTo(List.of("name")))
        .body("verification.repaired.mode", equalTo("merge"));
    given().post("/configurations/" + id + "/verify").then().statusCode(409);
  }

  @Test
  void listsTheRowsThatTheTargetRefusedInPages() {
    String id = created("users_sync", "");
    for (int offset = 0; offset < 3; offset++) {
      TestDatabases.execute(
          "store",
          """
          insert into sync_parked_rows
            (configuration_id, topic, partition, "offset", target_table, row_key, reason_code,
             message, source_position, attempts, parked_at)
          values ('%s', 't', 0, %d, 'public.users', '{"id": "%d"}', '23514', 'no', '0/1:1', 1,
                  now())
          """
              .formatted(id, offset, offset));
    }

    given().get("/configurations/" + id).then().body("rows_parked", equalTo(3));
    String next =
        given()
            .get("/configurations/" + id + "/parked-rows?limit=2")
            .then()
            .statusCode(200)
            .body("items.key.id", equalTo(List.of("2", "1")))
            .body("items.reason_code", equalTo(List.of("23514", "23514")))
            .extract()
            .path("next");
    given()
        .get("/configurations/" + id + "/parked-rows?limit=2&cursor=" + next)
        .then()
        .body("items.key.id", equalTo(List.of("0")))
        .body("next", nullValue());
    given().get("/configurations/" + UUID.randomUUID() + "/parked-rows").then().statusCode(404);
  }

  @Test
  void cancelsOnce() {
    String id = created("users_sync", "");
    String execution =
        given().post("/configurations/" + id + "/execute").then().extract().path("id");

    given()
        .post("/executions/" + execution + "/cancel")
        .then()
        .statusCode(202)
        .body("status", equalTo("cancelled"));
    given().post("/executions/" + execution + "/cancel").then().statusCode(409);
  }

  @Test
  void tellsOfTheMachinery() {
    String id = created("users_sync", "");

    given()
        .get("/configurations/" + id + "/tracking")
        .then()
        .statusCode(200)
        .body("items", equalTo(List.of()));
    given().get("/captures").then().body("items.retained_wal_bytes", hasItem(42));
    given()
        .get("/topics")
        .then()
        .body("items.schema.name.flatten()", hasItems("id"))
        .body("items.schema.key.flatten()", hasItems(true))
        .body("items.schema_id", hasItems("2800f447e9aef16e"));
    given()
        .get("/system")
        .then()
        .body("addresses.kafka_bootstrap_servers", equalTo("localhost:9094"));
    given()
        .get("/conflicts")
        .then()
        .statusCode(200)
        .body("items", equalTo(List.of()))
        .body("next", nullValue());
  }
}

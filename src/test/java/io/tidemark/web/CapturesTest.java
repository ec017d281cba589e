package io.tidemark.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.response.ValidatableResponse;
import io.tidemark.run.FakeSyncEngine;
import jakarta.inject.Inject;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

@QuarkusTest
@QuarkusTestResource(TestDatabases.class)
@Tag("web")
@Execution(ExecutionMode.SAME_THREAD)
class CapturesTest {
  @Inject FakeSyncEngine engine;

  @BeforeEach
  void oneConfiguration() {
    engine.reset();
    TestDatabases.execute("store", "delete from sync_configurations");
    for (String database : List.of("source", "target")) {
      TestDatabases.execute(
          database, "create table if not exists captured (id bigint primary key)");
    }
    given()
        .contentType("application/json")
        .body(
            """
            {"name": "captured", "source_table": "captured", "target_table": "captured",
             "sync_strategy": "incremental"}
            """)
        .post(Api.ROOT + "/configurations")
        .then()
        .statusCode(201);
  }

  private static ValidatableResponse reset(String connection, String body) {
    var request = given();
    if (!body.isEmpty()) {
      request.contentType("application/json").body(body);
    }
    return request.post(Api.ROOT + "/captures/" + connection + "/reset").then();
  }

  @Test
  void answersTheCopiesThatARestoredCaptureNeeds() {
    engine.captureFailed = true;

    reset("source", "")
        .statusCode(202)
        .body("items.mode", equalTo(List.of("full")))
        .body("items.status", equalTo(List.of("pending")));

    assertThat(engine.calls).contains("reset source for 1", "submitted");
  }

  @Test
  void resetsACaptureThatRunsOnlyWhenForced() {
    reset("source", "").statusCode(409).body("detail", containsString("{\"force\": true}"));
    reset("source", "{\"force\": false}").statusCode(409);
    assertThat(engine.calls).doesNotContain("reset source for 1");

    reset("source", "{\"force\": true}").statusCode(202);
    assertThat(engine.calls).contains("reset source for 1");
  }

  @Test
  void refusesWhatItDoesNotKnow() {
    reset("nowhere", "").statusCode(404);
    reset("source", "{\"forced\": true}")
        .statusCode(400)
        .body("errors[0].field", equalTo("forced"));
    reset("source", "{\"force\": \"yes\"}").statusCode(400);
  }
}

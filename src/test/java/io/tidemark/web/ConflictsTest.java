package io.tidemark.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.response.ValidatableResponse;
import io.tidemark.run.FakeSyncEngine;
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
class ConflictsTest {
  @Inject FakeSyncEngine engine;
  private String configuration = "";

  @BeforeEach
  void configuration() {
    engine.reset();
    RestAssured.basePath = Api.ROOT;
    TestDatabases.execute("store", "delete from sync_configurations");
    for (String database : List.of("source", "target")) {
      TestDatabases.execute(
          database,
          "drop table if exists people",
          "create table people (id bigint primary key, email text unique, paid boolean)");
    }
    configuration =
        given()
            .contentType("application/json")
            .body(
                """
                {"name": "people", "source_table": "people", "target_table": "people",
                 "sync_strategy": "incremental", "conflict_resolution": "manual"}
                """)
            .post("/configurations")
            .then()
            .statusCode(201)
            .extract()
            .path("id");
  }

  @AfterEach
  void resetPath() {
    RestAssured.basePath = "";
  }

  /** A row that both sides wrote; its id. */
  private String conflict(int key) {
    String id = UUID.randomUUID().toString();
    TestDatabases.execute(
        "target", "insert into people values (%d, 'theirs%d', true)".formatted(key, key));
    TestDatabases.execute(
        "store",
        """
        insert into sync_conflicts
          (id, configuration_id, topic, partition, "offset", target_table, row_key, key_values,
           type, status, strategy, source_row, target_row, differing_columns, detected_at)
        values ('%1$s', '%2$s', 't', 0, %3$d, 'public.people', '{"id": %3$d}', '{%3$d}',
                'update_origin_differs', 'pending', 'manual',
                '{"id": %3$d, "email": "ours%3$d", "paid": false}',
                '{"id": %3$d, "email": "theirs%3$d", "paid": true}', '["email", "paid"]', now())
        """
            .formatted(id, configuration, key));
    return id;
  }

  private static ValidatableResponse resolve(String id, String body) {
    return given()
        .contentType("application/json")
        .body(body)
        .post("/conflicts/" + id + "/resolve")
        .then()
        .log()
        .ifValidationFails();
  }

  private static String emails() {
    return TestDatabases.text("target", "select string_agg(email, ',' order by id) from people");
  }

  @Test
  void decidesForTheSource() {
    String id = conflict(1);

    resolve(id, "{\"resolution\": \"source\", \"note\": \"by hand\"}")
        .statusCode(200)
        .body("status", equalTo("resolved"))
        .body("resolution", equalTo("source"))
        .body("resolved_by", equalTo("api"))
        .body("resolved_at", notNullValue())
        .body("note", equalTo("by hand"))
        .body("source_row.paid", equalTo(false));

    assertThat(emails()).isEqualTo("ours1");
    resolve(id, "{\"resolution\": \"target\"}")
        .statusCode(409)
        .body("detail", containsString("no decision any more"));
  }

  @Test
  void decidesForARowOfOnesOwn() {
    resolve(conflict(1), "{\"resolution\": \"custom\", \"row\": {\"email\": \"mine\"}}")
        .statusCode(200)
        .body("resolution", equalTo("custom"));

    assertThat(emails()).isEqualTo("mine");
  }

  @Test
  void answersTheFreshRowsWhenTheTargetHasChangedAndThenDecides() {
    String id = conflict(1);
    TestDatabases.execute("target", "update people set email = 'newer'");

    resolve(id, "{\"resolution\": \"source\"}")
        .statusCode(409)
        .contentType(Api.PROBLEM)
        .body("type", equalTo("urn:tidemark:problem:row_changed"))
        .body("source_row.email", equalTo("ours1"))
        .body("target_row.email", equalTo("newer"))
        .body("target_row.paid", equalTo(true));
    assertThat(emails()).isEqualTo("newer");
    given()
        .get("/conflicts/" + id)
        .then()
        .body("status", equalTo("pending"))
        .body("target_row.email", equalTo("newer"));

    resolve(id, "{\"resolution\": \"source\"}").statusCode(200);
    assertThat(emails()).isEqualTo("ours1");
  }

  @Test
  void answersThatTheRowIsGoneAsNull() {
    String id = conflict(1);
    TestDatabases.execute("target", "delete from people");

    String problem =
        resolve(id, "{\"resolution\": \"target\"}").statusCode(409).extract().asString();

    assertThat(problem).contains("\"target_row\":null").contains("\"source_row\":{");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {}                                                         | 400 | resolution
          {"resolution": "mine"}                                     | 400 | resolution
          {"resolution": "source", "row": {}}                        | 400 | row
          {"resolution": "custom"}                                   | 400 | row
          {"resolution": "custom", "row": []}                        | 400 | row
          {"resolution": "source", "note": 5}                        | 400 | note
          {"resolution": "source", "force": true}                    | 400 | force
          {"resolution": "custom", "row": {"mail": "x"}}             | 400 | row.mail
          {"resolution": "custom", "row": {"id": 2}}                 | 400 | row.id
          {"resolution": "custom", "row": {"paid": "perhaps"}}       | 422 | row.paid
          {"resolution": "custom", "row": {"paid": [true]}}          | 422 | row.paid
          {"resolution": "custom", "row": {"email": "theirs2"}}      | 422 | row.email
          """)
  void namesTheFieldThatIsWrong(String body, int status, String field) {
    String id = conflict(1);
    conflict(2);

    resolve(id, body).statusCode(status).body("errors.field", hasItem(field));

    assertThat(emails()).isEqualTo("theirs1,theirs2");
    given().get("/conflicts/" + id).then().body("status", equalTo("pending"));
  }

  @Test
  void decidesAllThatMatch() {
    conflict(1);
    String changed = conflict(2);
    conflict(3);
    TestDatabases.execute("target", "update people set email = 'newer' where id = 2");

    given()
        .contentType("application/json")
        .body(
            """
            {"filter": {"configuration_id": "%s", "type": "update_origin_differs"},
             "resolution": "source", "note": "all"}
            """
                .formatted(configuration))
        .post("/conflicts/resolve")
        .then()
        .statusCode(200)
        .body("decided", equalTo(2))
        .body("refused.id", equalTo(List.of(changed)))
        .body("refused[0].detail", containsString("has changed"))
        .body("refused_count", equalTo(1));

    assertThat(emails()).isEqualTo("ours1,newer,ours3");
    given().get("/configurations/" + configuration).then().body("conflicts_pending", equalTo(1));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"resolution": "source"}                                     | filter
          {"filter": {}, "resolution": "custom"}                       | resolution
          {"filter": {"status": "resolved"}, "resolution": "source"}   | status
          {"filter": {"state": "pending"}, "resolution": "source"}     | state
          {"filter": {"configuration_id": "x"}, "resolution": "source"}| configuration_id
          {"filter": {}, "resolution": "source", "row": {}}            | row
          """)
  void decidesNothingOnAFilterThatIsNone(String body, String field) {
    conflict(1);

    given()
        .contentType("application/json")
        .body(body)
        .post("/conflicts/resolve")
        .then()
        .statusCode(400)
        .body("errors.field", hasItem(field));

    assertThat(emails()).isEqualTo("theirs1");
  }

  @Test
  void showsHowConflictsAreToldAndWhatWouldBeStronger() {
    given()
        .get("/configurations/" + configuration)
        .then()
        .body("detection.mode", equalTo("existence"))
        .body("detection.reason", containsString("track_commit_timestamp off"))
        .body("detection.stronger", containsString("track_commit_timestamp = on"))
        .body("merge_columns", equalTo(false));

    TestDatabases.execute("source", "alter table people replica identity full");
    given()
        .contentType("application/json")
        .body("{\"batch_size\": 5}")
        .patch("/configurations/" + configuration)
        .then()
        .statusCode(200)
        .body("detection.mode", equalTo("before_image"));
    given()
        .contentType("application/json")
        .body("{\"conflict_detection\": \"origin\"}")
        .patch("/configurations/" + configuration)
        .then()
        .statusCode(422)
        .body("errors.field", equalTo(List.of("conflict_detection")))
        .body("detail", containsString("track_commit_timestamp = on"));
    given()
        .contentType("application/json")
        .body("{\"conflict_resolution\": \"timestamp\"}")
        .patch("/configurations/" + configuration)
        .then()
        .statusCode(422)
        .body("errors.field", equalTo(List.of("timestamp_column")));
  }

  @Test
  void pagesConflicts() {
    conflict(1);
    conflict(2);

    String next =
        given()
            .get("/conflicts?limit=1&status=pending&configuration_id=" + configuration)
            .then()
            .statusCode(200)
            .body("items.key.id", equalTo(List.of(2)))
            .extract()
            .path("next");
    given()
        .get("/conflicts?limit=1&cursor=" + next)
        .then()
        .body("items.key.id", equalTo(List.of(1)))
        .body("next", nullValue());
    given().get("/conflicts?key=2").then().body("items.key.id", equalTo(List.of(2)));
  }
}

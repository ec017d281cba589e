package io.tidemark.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.not;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.response.Response;
import io.restassured.response.ValidatableResponse;
import io.tidemark.run.FakeSyncEngine;
import jakarta.inject.Inject;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bad input gets a clear error, and changes nothing. */
@QuarkusTest
@QuarkusTestResource(TestDatabases.class)
@Tag("web")
@Execution(ExecutionMode.SAME_THREAD)
class RefusalsTest {
  @Inject FakeSyncEngine engine;

  @BeforeEach
  void tables() {
    engine.reset();
    TestDatabases.execute("store", "delete from sync_configurations");
    for (String database : List.of("source", "target")) {
      TestDatabases.execute(
          database,
          "drop table if exists users, keyless, odd, narrow, logless cascade",
          "create table users (id bigint primary key, name text not null, at timestamptz)",
          "create table keyless (id bigint, name text)",
          "create table odd (id bigint primary key, name point)",
          "create table narrow (id bigint primary key)",
          "create unlogged table logless (id bigint primary key)",
          "create view seen as select id from users");
    }
    TestDatabases.execute("target", "drop table users cascade");
    TestDatabases.execute(
        "target", "create table users (id bigint primary key, name text not null, at point)");
    RestAssured.basePath = Api.ROOT;
  }

  @AfterEach
  void changedNothing() {
    assertThat(engine.mappings).isEmpty();
    given().get("/configurations").then().body("items", equalTo(List.of()));
    RestAssured.basePath = "";
  }

  private static ValidatableResponse post(String body) {
    Response response = given().contentType("application/json").body(body).post("/configurations");
    assertThat(response.body().asString())
        .doesNotContain("sEcReT")
        .doesNotContain("io.tidemark.")
        .doesNotContain("at java.");
    return response.then().contentType(Api.PROBLEM).body("status", equalTo(response.statusCode()));
  }

  private static ValidatableResponse postWith(String more) {
    return post(
        """
        {"name": "a", "source_table": "narrow", "target_table": "narrow",
         "sync_strategy": "full", %s}
        """
            .formatted(more));
  }

  @Test
  void namesEveryMissingField() {
    post("{}")
        .statusCode(400)
        .body("errors.field", hasItems("name", "source_table", "target_table", "sync_strategy"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "batch_size": 0                     | batch_size
          "batch_size": 50001                 | batch_size
          "batch_size": "1000"                | batch_size
          "batch_size": 1.5                   | batch_size
          "batch_size": 99999999999           | batch_size
          "sync_interval_seconds": 0          | sync_interval_seconds
          "sync_interval_seconds": -1         | sync_interval_seconds
          "enabled": "yes"                    | enabled
          "conflict_resolution": "loudest"    | conflict_resolution
          "conflict_detection": 1             | conflict_detection
          "delete_handling": "APPLY"          | delete_handling
          "bidirectional": true               | bidirectional
          "merge_columns": true               | merge_columns
          "detection": {}                     | detection
          "batchSize": 10                     | batchSize
          "nonsense": null                    | nonsense
          "id": "x"                           | id
          "version": 1                        | version
          "key_columns": []                   | key_columns
          "key_columns": ["id", "id"]         | key_columns
          "key_columns": "id"                 | key_columns
          "columns": 5                        | columns
          "columns": {"id": "x", "y": "x"}    | columns
          "columns": {"id": 5}                | columns
          "row_filter": ""                    | row_filter
          "row_filter": "a\\u0000b"           | row_filter
          "source_connection": {}             | source_connection
          """)
  void refusesFieldsByName(String more, String field) {
    postWith(more)
        .statusCode(400)
        .body("errors.field", hasItem(field))
        .body("detail", containsString(field));
  }

  @Test
  void suggestsTheSnakeCaseName() {
    postWith("\"batchSize\": 10").body("errors.message", hasItem(containsString("'batch_size'")));
  }

  @Test
  void refusesTruncateWithAnyStrategyButFull() {
    post("""
            {"name": "a", "source_table": "narrow", "target_table": "narrow",
             "sync_strategy": "incremental", "truncate_target": true}
            """)
        .statusCode(400)
        .body("errors.field", hasItem("truncate_target"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"name\": }",
        "{\n  \"name\": \"a\",\n  \"name\": \"b\"\n}",
        "{\"name\": \"a\"} trailing",
        "{\"password\": sEcReT}",
        "not json"
      })
  void tellsWhereJsonIsMalformed(String body) {
    post(body).statusCode(400).body("detail", containsString("line "));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[]", "null", "5", "\"text\""})
  void wantsAnObject(String body) {
    post(body).statusCode(400).body("detail", containsString("object"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.b.c", "\\\"open", "", " ", "a.", ".a", "\\\"a\\\"b", "users\\u0000"})
  void refusesWhatIsNoTableName(String table) {
    post("""
            {"name": "a", "source_table": "%s", "target_table": "narrow",
             "sync_strategy": "full"}
            """
            .formatted(table))
        .statusCode(400)
        .body("errors.field", hasItem("source_table"));
  }

  @Test
  void namesSimilarTablesWhenOneIsMissing() {
    post("""
            {"name": "a", "source_table": "user", "target_table": "nonexistent_whatsoever",
             "sync_strategy": "full"}
            """)
        .statusCode(422)
        .body("errors.field", hasItems("source_table", "target_table"))
        .body("detail", containsString("public.users"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          keyless                             | narrow | source_table | primary key
          narrow                              | keyless| target_table | unique index
          seen                                | narrow | source_table | view
          logless                             | narrow | source_table | set logged
          users; drop table users             | narrow | source_table | no table
          users' or '1'='1                    | narrow | source_table | no table
          """)
  void refusesTablesThatCannotBeKeptInStep(String source, String target, String field, String fix) {
    post("""
            {"name": "a", "source_table": "%s", "target_table": "%s", "sync_strategy": "full"}
            """
            .formatted(source, target))
        .statusCode(422)
        .body("errors.field", hasItem(field))
        .body("detail", containsString(fix));
  }

  @Test
  void refusesTypesThatCannotBecomeEachOther() {
    post("""
            {"name": "a", "source_table": "users", "target_table": "users",
             "sync_strategy": "full"}
            """)
        .statusCode(422)
        .body("errors.message", hasItem(containsString("'at' is timestamp with time zone")));
  }

  /** Its updates would leave the target's column as it was. */
  @Test
  void refusesAComputedColumnWhoseValuesTheLogDoesNotHave() {
    TestDatabases.execute(
        "source", "alter table narrow add twice bigint generated always as (id * 2) stored");
    TestDatabases.execute("target", "alter table narrow add twice bigint");

    post("""
            {"name": "a", "source_table": "narrow", "target_table": "narrow",
             "sync_strategy": "incremental"}
            """)
        .statusCode(422)
        .body("errors.field", hasItem("columns"))
        .body("detail", containsString("twice"));
  }

  @Test
  void refusesOneTableAsBothEnds() {
    postWith("\"target_connection\": \"source\"")
        .statusCode(422)
        .body("errors.field", hasItem("target_table"));
  }

  @Test
  void saysThatADatabaseIsDead() {
    postWith("\"source_connection\": \"dead\"")
        .statusCode(422)
        .body("errors.field", hasItem("source_connection"))
        .body("detail", containsString("See that its URL is right"));
  }

  @Test
  void saysThatAConnectionIsUnknown() {
    postWith("\"target_connection\": \"nowhere\"")
        .statusCode(422)
        .body("errors.field", hasItem("target_connection"))
        .body("detail", containsString("source, target"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          id >                                  | syntax error
          id + 1                                | boolean
          nothing = 1                           | nothing
          true; drop table users                | semicolon
          true); drop table users; --           | parentheses
          true) or (true                        | parentheses
          id = 'open                            | does not end
          id in (select 1) -- comment           | -
          """)
  void readsRowFiltersAndRunsNothing(String filter, String message) {
    var response =
        given()
            .contentType("application/json")
            .body(
                """
                {"name": "a", "source_table": "narrow", "target_table": "narrow",
                 "sync_strategy": "full", "row_filter": "%s"}
                """
                    .formatted(filter))
            .post("/configurations")
            .then();
    if (message.equals("-")) {
      String id = response.statusCode(201).extract().path("id");
      given().delete("/configurations/" + id);
    } else {
      response
          .statusCode(422)
          .body("errors.field", hasItem("row_filter"))
          .body("detail", containsString(message));
    }
    TestDatabases.execute("source", "select from users");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          "schema_evolution": "add_columns"     | schema_evolution
          """)
  void saysWhatDoesNotGoWithAMerge(String more, String field) {
    post("""
            {"name": "a", "source_table": "narrow", "target_table": "narrow",
             "sync_strategy": "merge", %s}
            """
            .formatted(more))
        .statusCode(422)
        .body("errors.field", hasItem(field))
        .body("detail", containsString("goes with"));
  }

  @Test
  void refusesANameThatIsTaken() {
    String body =
        """
        {"name": "O'Brien \\"; drop table \\u00e9\\ud83d\\ude00", "source_table": "narrow",
         "target_table": "narrow", "sync_strategy": "full"}
        """;
    String id =
        given()
            .contentType("application/json")
            .body(body)
            .post("/configurations")
            .then()
            .statusCode(201)
            .body("name", equalTo("O'Brien \"; drop table é😀"))
            .extract()
            .path("id");

    post(body).statusCode(409).body("errors.field", hasItem("name"));

    given().delete("/configurations/" + id).then().statusCode(204);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"limit=0", "limit=501", "limit=x", "cursor=!", "state=on", "enabled=1", "nam=a"})
  void refusesWrongQueryParameters(String query) {
    String parameter = query.substring(0, query.indexOf('='));
    given()
        .get("/configurations?" + query)
        .then()
        .statusCode(400)
        .contentType(Api.PROBLEM)
        .body("errors.field", equalTo(List.of(parameter)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/configurations/00000000-0000-0000-0000-000000000000",
        "/configurations/not-a-uuid",
        "/configurations/1-1-1-1-1",
        "/executions/00000000-0000-0000-0000-000000000000",
        "/conflicts/not-a-uuid",
        "/connections/nowhere",
        "/connections/No%20Where%00",
        "/configurations/not-a-uuid/tracking",
        "/nothing/here"
      })
  void knowsNothingOfOtherIds(String path) {
    given().get(path).then().statusCode(404).contentType(Api.PROBLEM).body("title", not(""));
  }

  @Test
  void answersTheFrameworksRefusalsAsProblems() {
    given().delete("/configurations").then().statusCode(405).contentType(Api.PROBLEM);
    given()
        .contentType("text/plain")
        .body("x")
        .post("/configurations")
        .then()
        .statusCode(415)
        .contentType(Api.PROBLEM);
    given()
        .contentType("text/plain")
        .body("x")
        .post("/configurations/00000000-0000-0000-0000-000000000000/execute")
        .then()
        .statusCode(415);
    given()
        .contentType("application/json")
        .body("{\"name\": \"" + "x".repeat(300_000) + "\"}")
        .post("/configurations")
        .then()
        .statusCode(413)
        .contentType(Api.PROBLEM);
  }

  @Test
  void refusesAModeThatIsNone() {
    given()
        .contentType("application/json")
        .body("{\"mode\": \"fast\", \"wait\": true}")
        .post("/configurations/00000000-0000-0000-0000-000000000000/execute")
        .then()
        .statusCode(400)
        .body("errors.field", hasItems("mode", "wait"));
  }

  @Test
  void refusesAVerificationOfWhichItDoesNotKnowWhatIsWished() {
    given()
        .contentType("application/json")
        .body("{\"repair\": \"yes\", \"fast\": true}")
        .post("/configurations/00000000-0000-0000-0000-000000000000/verify")
        .then()
        .statusCode(400)
        .body("errors.field", hasItems("repair", "fast"));
    given()
        .post("/configurations/00000000-0000-0000-0000-000000000000/verify")
        .then()
        .statusCode(404);
  }
}

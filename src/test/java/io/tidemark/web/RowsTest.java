package io.tidemark.web;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.notNullValue;
import static org.hamcrest.Matchers.nullValue;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.response.ValidatableResponse;
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
class RowsTest {
  private String configuration;

  @BeforeEach
  void configuration() {
    for (String database : List.of("source", "target")) {
      TestDatabases.execute(
          database, "create table if not exists rows_test (id bigint primary key)");
    }
    RestAssured.basePath = Api.ROOT;
    configuration =
        given()
            .contentType("application/json")
            .body(
                """
                {"name": "rows", "source_table": "rows_test", "target_table": "rows_test",
                 "sync_strategy": "full"}
                """)
            .post("/configurations")
            .then()
            .statusCode(201)
            .extract()
            .path("id");
  }

  @AfterEach
  void delete() {
    RestAssured.basePath = "";
    TestDatabases.execute("store", "delete from sync_configurations");
  }

  private ValidatableResponse get(String id, String... parameters) {
    var request = given();
    for (int i = 0; i < parameters.length; i += 2) {
      request.queryParam(parameters[i], parameters[i + 1]);
    }
    return request.get("/configurations/" + id + "/rows").then().log().ifValidationFails();
  }

  @Test
  void answersBothRowsAndWhatHappenedToThem() {
    get(configuration, "key", "{\"id\": 42}")
        .statusCode(200)
        .body("key.id", equalTo(42))
        .body("source.row.id", equalTo(42))
        .body("source.written_by", equalTo("others"))
        .body("source.in_row_filter", nullValue())
        .body("target.row", nullValue())
        .body("differing_columns", nullValue())
        .body("conflicts", equalTo(List.of()))
        .body("parked_rows", equalTo(List.of()))
        .body("changes.items[0].op", equalTo("c"))
        .body("changes.items[0].after.id", equalTo(42))
        .body("changes.items[0].before", nullValue())
        .body("changes.items[0].offset", equalTo(5))
        .body("changes.items[0].applied", equalTo(false))
        .body("changes.items[0].committed_at", equalTo("1970-01-01T00:00:00.000009Z"))
        .body("changes.next", notNullValue());
  }

  @Test
  void theCursorGoesOnAndAPlainKeyWillDo() {
    String next = get(configuration, "key", "42").statusCode(200).extract().path("changes.next");

    get(configuration, "key", "42", "cursor", next, "limit", "1").statusCode(200);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "key    | ~~                  | 'key' is required",
        "key    | {\"id\": 1          | 'key' is not valid JSON",
        "key    | {\"id\": \"\\u0000\"} | PostgreSQL cannot store",
        "cursor | abc                 | 'changes.next'",
        "limit  | 501                 | 1 to 500",
        "keys   | 1                   | unknown parameter 'keys'"
      })
  void refusesWhatItCannotRead(String parameter, String value, String message) {
    ValidatableResponse answer =
        parameter.equals("key")
            ? get(configuration, "key", value)
            : get(configuration, "key", "1", parameter, value);

    answer.statusCode(400).body("detail", containsString(message));
  }

  @Test
  void knowsNoRowsOfAnUnknownConfiguration() {
    get(UUID.randomUUID().toString(), "key", "1").statusCode(404);
    get("x", "key", "1").statusCode(404);
  }
}

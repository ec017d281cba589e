package io.tidemark.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.nullValue;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
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

@QuarkusTest
@QuarkusTestResource(TestDatabases.class)
@Tag("web")
@Execution(ExecutionMode.SAME_THREAD)
class ConfigurationBatchTest {
  private static final String TABLE = " (id int primary key)";

  @Inject FakeSyncEngine engine;

  @BeforeEach
  void tables() {
    engine.reset();
    TestDatabases.execute(
        "store", "delete from sync_orchestrations", "delete from sync_configurations");
    TestDatabases.execute(
        "source",
        "drop schema if exists many cascade",
        "create schema many",
        "create table many.orders" + TABLE,
        "create table many.\"Odd.Name\"" + TABLE,
        "create table many.tmp_1" + TABLE,
        "create table many.parts (id int primary key) partition by range (id)",
        "create table many.parts_1 partition of many.parts for values from (0) to (10)",
        "create view many.orders_view as select * from many.orders");
    TestDatabases.execute(
        "target",
        "drop schema if exists many_copy cascade",
        "create schema many_copy",
        "create table many_copy.orders" + TABLE,
        "create table many_copy.\"Odd.Name\"" + TABLE,
        "create table many_copy.parts" + TABLE);
    RestAssured.basePath = Api.ROOT;
  }

  @AfterEach
  void resetPath() {
    RestAssured.basePath = "";
  }

  private static ValidatableResponse batch(String more) {
    return given()
        .contentType("application/json")
        .body(
            """
            {"schema": "many", "target_schema": "{schema}_copy",
             "template": {"sync_strategy": "incremental"}%s}
            """
                .formatted(more))
        .post("/configurations/batch")
        .then()
        .log()
        .ifValidationFails();
  }

  private static void assertNothingMade() {
    given().get("/configurations").then().body("items", equalTo(List.of()));
  }

  @Test
  void makesOneForEachTableThatIsSelected() {
    batch(", \"exclude\": [\"tmp_?\"]")
        .statusCode(201)
        .body("items.name", contains("many.Odd.Name", "many.orders", "many.parts"))
        .body("items.source_table", contains("many.\"Odd.Name\"", "many.orders", "many.parts"))
        .body("items.target_table[0]", equalTo("many_copy.\"Odd.Name\""))
        .body("items.state", contains("initializing", "initializing", "initializing"))
        .body("next", nullValue());

    assertThat(engine.calls).containsExactly("created", "created", "created");
    given().get("/configurations").then().body("items.size()", equalTo(3));
  }

  @Test
  void showsWhatItWouldMake() {
    batch(", \"include\": [\"o*\"], \"name\": \"copy of {table}\", \"dry_run\": true")
        .statusCode(200)
        .body("items.name", contains("copy of orders"))
        .body("items.batch_size", contains(1000))
        .body("items[0].warnings", equalTo(List.of()));

    assertThat(engine.calls).isEmpty();
    assertNothingMade();
  }

  @Test
  void saysOfEachTableWhyItCannotBe() {
    batch("")
        .statusCode(422)
        .body("errors.message", hasItem(containsString("many.tmp_1: ")))
        .body("errors.field", hasItem("target_table"));
    assertNothingMade();

    batch(", \"include\": [\"orders\"]").statusCode(201);
    batch(", \"include\": [\"orders\", \"tmp_1\"]")
        .statusCode(422)
        .body("errors.field", hasItems("name", "target_table"));
  }

  @Test
  void leavesNothingBehindWhenOneCannotBeMade() {
    engine.failingAt = 2;

    batch(", \"exclude\": [\"tmp*\"]").statusCode(422).body("detail", containsString("slot"));

    assertThat(engine.calls).containsExactly("created", "created", "deleted", "deleted");
    assertNothingMade();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "schema | {\"template\": {\"sync_strategy\": \"full\"}}",
        "template | {\"schema\": \"many\"}",
        "template | {\"schema\": \"many\", \"template\": \"full\"}",
        "template.sync_strategy | {\"schema\": \"many\", \"template\": {}}",
        "template.batch_size | {\"schema\": \"many\", \"template\":"
            + " {\"sync_strategy\": \"full\", \"batch_size\": 0}}",
        "template.name | {\"schema\": \"many\", \"template\":"
            + " {\"sync_strategy\": \"full\", \"name\": \"x\"}}",
        "name | {\"schema\": \"many\", \"name\": \"{schema}\","
            + " \"template\": {\"sync_strategy\": \"full\"}}",
        "include | {\"schema\": \"many\", \"include\": \"*\","
            + " \"template\": {\"sync_strategy\": \"full\"}}",
        "tables | {\"schema\": \"many\", \"tables\": [\"x\"],"
            + " \"template\": {\"sync_strategy\": \"full\"}}"
      })
  void saysWhichFieldIsWrong(String field, String body) {
    given()
        .contentType("application/json")
        .body(body)
        .post("/configurations/batch")
        .then()
        .log()
        .ifValidationFails()
        .statusCode(400)
        .body("errors.field", hasItem(field));
  }

  @Test
  void saysThatNoTableIsSelected() {
    batch(", \"include\": [\"nothing\"]").statusCode(422).body("errors.field", hasItem("schema"));
  }
}

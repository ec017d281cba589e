package io.tidemark.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasItems;

import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import io.restassured.response.ValidatableResponse;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@QuarkusTest
@QuarkusTestResource(TestDatabases.class)
@Tag("web")
@Execution(ExecutionMode.SAME_THREAD)
class ConnectionsTest {
  @BeforeEach
  void empty() {
    TestDatabases.execute(
        "store", "delete from sync_configurations", "delete from sync_connections");
    RestAssured.basePath = Api.ROOT;
  }

  @AfterEach
  void resetPath() {
    RestAssured.basePath = "";
  }

  private static ValidatableResponse post(String name, String url) {
    return given()
        .contentType("application/json")
        .body(
            """
            {"name": "%s", "url": "%s", "username": "operator", "password": "sEcReT"}
            """
                .formatted(name, url))
        .post("/connections")
        .then();
  }

  private static String url(String database) {
    return TestDatabases.url(database);
  }

  @Test
  void neverShowsAPassword() {
    post("shop", url("source")).statusCode(201).header("Location", containsString("/shop"));

    String all = given().get("/connections").then().statusCode(200).extract().asString();
    assertThat(all).doesNotContain("sEcReT").contains("\"shop\"", "\"source\"", "\"dead\"");
  }

  @Test
  void checksWhatADatabaseCanBeUsedFor() {
    post("shop", url("source")).statusCode(201);

    for (String name : new String[] {"shop", "source"}) {
      given()
          .post("/connections/" + name + "/check")
          .then()
          .statusCode(200)
          .body("reachable", equalTo(true))
          .body("wal_level", equalTo("logical"))
          .body("can_replicate", equalTo(true));
    }
    given()
        .post("/connections/dead/check")
        .then()
        .statusCode(200)
        .body("reachable", equalTo(false))
        .body("findings.code", hasItem("connection_unreachable"));
  }

  @Test
  void keepsAConnectionThatIsInUse() {
    post("shop", url("source")).statusCode(201);
    TestDatabases.execute("source", "create table if not exists narrow (id bigint primary key)");
    TestDatabases.execute("target", "create table if not exists narrow (id bigint primary key)");
    given()
        .contentType("application/json")
        .body(
            """
            {"name": "user of shop", "source_table": "narrow", "target_table": "narrow",
             "source_connection": "shop", "sync_strategy": "full"}
            """)
        .post("/configurations")
        .then()
        .statusCode(201);

    given()
        .delete("/connections/shop")
        .then()
        .statusCode(409)
        .body("detail", containsString("user of shop"));

    TestDatabases.execute("store", "delete from sync_configurations");
    given().delete("/connections/shop").then().statusCode(204);
    given().get("/connections/shop").then().statusCode(404);
  }

  @Test
  void leavesConnectionsOfTheSettingsToTheSettings() {
    post("source", url("target")).statusCode(409);
    given().delete("/connections/source").then().statusCode(409);
  }

  @Test
  void replacesOne() {
    post("shop", url("source")).statusCode(201);

    given()
        .contentType("application/json")
        .body("{\"url\": \"" + url("target") + "\", \"username\": \"operator\"}")
        .put("/connections/shop")
        .then()
        .statusCode(200)
        .body("url", equalTo(url("target")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "jdbc:mysql://localhost/x",
        "http://localhost",
        "jdbc:postgresql://u:sEcReT@localhost/x",
        "jdbc:postgresql://localhost/x?password=sEcReT",
        "jdbc:postgresql://localhost/x?socketFactory=java.io.File",
        "jdbc:postgresql://localhost/x?loggerFile=/tmp/x"
      })
  void refusesUrlsThatDoMoreThanName(String url) {
    String answer =
        post("shop", url)
            .statusCode(400)
            .contentType(Api.PROBLEM)
            .body("errors.field", hasItem("url"))
            .extract()
            .asString();
    assertThat(answer).doesNotContain("sEcReT");
  }

  @Test
  void refusesNamesThatNoTopicCouldHave() {
    post("Odd Name", "nonsense").statusCode(400).body("errors.field", hasItems("name", "url"));
  }
}

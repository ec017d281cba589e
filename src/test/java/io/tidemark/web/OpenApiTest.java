package io.tidemark.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.tidemark.run.FakeSyncEngine;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * The description of the API is part of the API. After a change on purpose: {@code ./mvnw test
 * -Dtest=OpenApiTest -Dopenapi.update=true}.
 */
@QuarkusTest
@QuarkusTestResource(TestDatabases.class)
@Tag("web")
@Execution(ExecutionMode.SAME_THREAD)
class OpenApiTest {
  private static final Path SNAPSHOT = Path.of("schemas", "openapi.yaml");

  @Inject FakeSyncEngine engine;

  @Test
  void snapshotEqualsTheLiveDescription() throws IOException {
    String live = given().get("/q/openapi").then().statusCode(200).extract().asString();
    if (Boolean.getBoolean("openapi.update")) {
      Files.createDirectories(SNAPSHOT.getParent());
      Files.writeString(SNAPSHOT, live);
    }

    assertThat(live).isEqualTo(Files.readString(SNAPSHOT));
  }

  @AfterEach
  void deleteAll() {
    TestDatabases.execute(
        "store", "delete from sync_orchestrations", "delete from sync_configurations");
  }

  @Test
  void describesExactlyTheFieldsThatAreAnswered() throws IOException {
    for (String database : List.of("source", "target")) {
      TestDatabases.execute(
          database, "create table if not exists described (id bigint primary key)");
    }
    TestDatabases.execute("source", "alter table described add if not exists more text");
    TestDatabases.execute(
        "store", "delete from sync_orchestrations", "delete from sync_configurations");
    String answer =
        given()
            .contentType("application/json")
            .body(
                """
                {"name": "described", "source_table": "described", "target_table": "described",
                 "sync_strategy": "full"}
                """)
            .post(Api.ROOT + "/configurations")
            .then()
            .statusCode(201)
            .extract()
            .asString();
    String description =
        given().accept("application/json").get("/q/openapi?format=json").asString();

    ObjectMapper json = new ObjectMapper();
    JsonNode schemas = json.readTree(description).at("/components/schemas");
    JsonNode configuration = json.readTree(answer);
    assertThat(described(schemas, "Configuration"))
        .containsExactlyInAnyOrderElementsOf(names(configuration));
    String orchestration =
        given()
            .contentType("application/json")
            .body(
                "{\"name\": \"described\", \"configurations\": [%s]}"
                    .formatted(configuration.get("id")))
            .post(Api.ROOT + "/orchestrations")
            .then()
            .statusCode(201)
            .extract()
            .asString();
    assertThat(described(schemas, "Orchestration"))
        .containsExactlyInAnyOrderElementsOf(names(json.readTree(orchestration)));
  }

  /** The fields of an answer that has those of the request, and more. */
  private static List<String> described(JsonNode schemas, String answer) {
    List<String> described = names(schemas.at("/" + answer + "/properties"));
    if (schemas.at("/" + answer).has("allOf")) {
      schemas
          .at("/" + answer + "/allOf")
          .forEach(part -> described.addAll(names(part.path("properties"))));
      described.addAll(names(schemas.at("/" + answer + "Request/properties")));
    }
    return described;
  }

  private static List<String> names(JsonNode object) {
    List<String> names = new ArrayList<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }
}

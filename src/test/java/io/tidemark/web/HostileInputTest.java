package io.tidemark.web;

import static io.restassured.RestAssured.given;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.tidemark.run.FakeSyncEngine;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * Walks every operation of the live OpenAPI description with input that no client should send, in
 * every path segment, query parameter and body field. Whatever comes, the answer is one that the
 * description has, a refusal is a problem, nothing of the program's inside shows, and no table is
 * harmed.
 */
@QuarkusTest
@QuarkusTestResource(TestDatabases.class)
@Tag("web")
@Execution(ExecutionMode.SAME_THREAD)
class HostileInputTest {
  private static final String NOBODY = "00000000-0000-0000-0000-000000000000";

  private static final String SQL = "'; drop table victims; drop table sync_configurations; --";

  private static final List<String> TEXTS =
      List.of(
          "",
          " ",
          SQL,
          "\"; drop table victims; --",
          "$$; drop table victims; $$",
          "%s%n%x ? :id {0} ${user.home} #{1}",
          "../../../../etc/passwd",
          "\u0001\u001f\u007f",
          "\u202Eevas\u202C ﷺ e\u0301 \uFEFF",
          "😀".repeat(150),
          "null",
          "-1",
          "99999999999999999999",
          "x".repeat(5000));

  /** As they stand in a document. */
  private static final List<String> VALUES =
      List.of(
          "null",
          "true",
          "-1",
          "0",
          "1.5",
          "2147483648",
          "-9223372036854775809",
          "1e400",
          "[]",
          "[null]",
          "[[]]",
          "[{}]",
          "[\"\", \"\"]",
          "{}",
          "{\"\": null}",
          "{\"a\": {\"b\": [1]}}",
          "\"\\u0000\"",
          "\"\\ud800\"",
          "[\"\\udc00\\u0000\"]");

  private static final List<String> BODIES =
      List.of(
          "",
          "null",
          "[]",
          "\"text\"",
          "1",
          "{",
          "{}{}",
          "{\"a\": NaN}",
          "{\"name\": 1, \"name\": 2}",
          "{'name': 'x'}",
          "[".repeat(5000),
          "{\"a\":".repeat(2000) + "1" + "}".repeat(2000),
          "{\"name\": \"" + "x".repeat(300 * 1024) + "\"}",
          "\u0000",
          "<?xml version=\"1.0\"?><!DOCTYPE x SYSTEM \"file:///etc/passwd\"><x/>");

  /** What a path or method is answered that is not the operation's after all. */
  private static final Set<Integer> NO_OPERATION = Set.of(404, 405);

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  @Inject FakeSyncEngine engine;
  @TestHTTPResource URI address;

  private final List<String> wrong = new ArrayList<>();
  private final Map<String, String> ids = new LinkedHashMap<>();
  private int made;

  /** One request of the description. */
  private record Operation(String method, String path, JsonNode described) {
    String id() {
      return described.path("operationId").asText();
    }

    /** The fields of its body; those of a patch are those of what it patches. */
    List<String> fields(JsonNode description) {
      if (id().equals("patchConfiguration")) {
        return names(description.at("/components/schemas/ConfigurationRequest/properties"));
      }
      JsonNode schema =
          described.at("/requestBody/content").path("application/json").path("schema");
      String reference = schema.path("$ref").asText();
      return names(
          reference.isEmpty()
              ? schema.path("properties")
              : description.at(reference.substring(1)).path("properties"));
    }

    private static List<String> names(JsonNode properties) {
      List<String> names = new ArrayList<>();
      properties.fieldNames().forEachRemaining(names::add);
      assertThat(names).isNotEmpty();
      return names;
    }

    List<String> parameters(String in) {
      List<String> names = new ArrayList<>();
      for (JsonNode one : described.path("parameters")) {
        if (one.path("in").asText().equals(in)) {
          names.add(one.path("name").asText());
        }
      }
      return names;
    }
  }

  @BeforeEach
  void victims() {
    engine.reset();
    deleteAll();
    for (String database : List.of("source", "target")) {
      TestDatabases.execute(
          database,
          "drop table if exists victims",
          "create table victims (id bigint primary key, name text)",
          "insert into victims values (1, '" + database + "')");
    }
    String configuration =
        created(
            "/configurations",
            """
            {"name": "victim", "source_table": "victims", "target_table": "victims",
             "sync_strategy": "merge", "conflict_resolution": "manual"}
            """);
    ids.put("configurations", configuration);
    ids.put(
        "orchestrations",
        created(
            "/orchestrations",
            "{\"name\": \"victim\", \"configurations\": [\"%s\"]}".formatted(configuration)));
    String conflict = UUID.randomUUID().toString();
    TestDatabases.execute(
        "store",
        """
        insert into sync_conflicts
          (id, configuration_id, topic, partition, "offset", target_table, row_key, key_values,
           type, status, strategy, source_row, target_row, differing_columns, detected_at)
        values ('%s', '%s', 't', 0, 0, 'public.victims', '{"id": 1}', '{1}', 'merge_differs',
                'pending', 'manual', '{"id": 1, "name": "source"}', '{"id": 1, "name": "target"}',
                '["name"]', now())
        """
            .formatted(conflict, configuration));
    ids.put("conflicts", conflict);
    ids.put("executions", NOBODY);
    ids.put("connections", "dead");
    ids.put("captures", "source");
  }

  @AfterEach
  void deleteAll() {
    TestDatabases.execute(
        "store",
        "delete from sync_orchestrations",
        "delete from sync_configurations",
        "delete from sync_connections");
  }

  private static String created(String path, String body) {
    return given()
        .contentType("application/json")
        .body(body)
        .post(Api.ROOT + path)
        .then()
        .statusCode(201)
        .extract()
        .path("id");
  }

  /** A body that is accepted, or would be if its names were free, for each operation with one. */
  private String validBody(Operation one) {
    made++;
    return switch (one.id()) {
      case "createConfiguration", "replaceConfiguration", "patchConfiguration" ->
          """
          {"name": "made %d", "source_table": "victims", "target_table": "victims",
           "sync_strategy": "full"}
          """
              .formatted(made);
      case "createConfigurations" ->
          """
          {"schema": "public", "include": ["victims"], "name": "{table} %d",
           "template": {"sync_strategy": "full"}, "dry_run": true}
          """
              .formatted(made);
      case "createConnection" ->
          """
          {"name": "made-%d", "url": "jdbc:postgresql://127.0.0.1:1/nowhere",
           "username": "nobody", "password": "sEcReT"}
          """
              .formatted(made);
      case "replaceConnection" ->
          "{\"url\": \"jdbc:postgresql://127.0.0.1:1/nowhere\", \"password\": \"sEcReT\"}";
      case "createOrchestration", "replaceOrchestration" ->
          "{\"name\": \"made %d\", \"configurations\": [\"%s\"]}"
              .formatted(made, ids.get("configurations"));
      case "executeConfiguration", "executeOrchestration" -> "{\"mode\": \"merge\"}";
      case "resolveConflict" -> "{\"resolution\": \"target\"}";
      case "resolveConflicts" ->
          "{\"filter\": {\"type\": \"delete_missing\"}, \"resolution\": \"target\"}";
      case "verifyConfiguration" -> "{\"repair\": false}";
      case "resetCapture" -> "{\"force\": false}";
      default -> throw new AssertionError("no body for " + one.id());
    };
  }

  @Test
  void isRefusedEverywhere() throws Exception {
    JsonNode description =
        JSON.readTree(given().accept("application/json").get("/q/openapi?format=json").asString());
    List<Operation> operations = operations(description);
    assertThat(operations).hasSizeGreaterThan(30);

    for (Operation one : operations) {
      tryPaths(one);
      tryQueries(one);
      if (one.described().has("requestBody")) {
        tryBodies(one, description);
      }
    }

    assertThat(wrong).isEmpty();
    for (String database : List.of("source", "target")) {
      assertThat(TestDatabases.text(database, "select string_agg(name, ',') from victims"))
          .isIn("source", "target");
    }
  }

  private static List<Operation> operations(JsonNode description) {
    List<Operation> operations = new ArrayList<>();
    description
        .path("paths")
        .properties()
        .forEach(
            path ->
                path.getValue()
                    .properties()
                    .forEach(
                        method ->
                            operations.add(
                                new Operation(
                                    method.getKey().toUpperCase(Locale.ROOT),
                                    path.getKey(),
                                    method.getValue()))));
    return operations;
  }

  /** The path to something that is there. */
  private String real(Operation one) {
    String collection = one.path().substring(Api.ROOT.length() + 1).split("/")[0];
    return one.path().replaceAll("\\{[^}]*}", ids.getOrDefault(collection, NOBODY));
  }

  private void tryPaths(Operation one) throws Exception {
    if (!one.path().contains("{")) {
      return;
    }
    for (String text : TEXTS) {
      String segment = encoded(text);
      send(one, one.path().replaceAll("\\{[^}]*}", segment), bodyOf(one), "application/json");
    }
    for (String raw : List.of("%00", "%ff", "%2e%2e%2f", ";a=b", NOBODY + "%0d%0aX-Injected:1")) {
      send(one, one.path().replaceAll("\\{[^}]*}", raw), bodyOf(one), "application/json");
    }
  }

  private void tryQueries(Operation one) throws Exception {
    List<String> parameters = new ArrayList<>(one.parameters("query"));
    parameters.add("unknown");
    for (String parameter : parameters) {
      for (String text : TEXTS) {
        send(
            one,
            away(one) + "?" + parameter + "=" + encoded(text),
            bodyOf(one),
            "application/json");
      }
      for (String raw : List.of("", "=", "=%00", "=%ff", "=1&" + parameter + "=2")) {
        send(one, away(one) + "?" + parameter + raw, bodyOf(one), "application/json");
      }
    }
  }

  /** Reading what is there; for what changes something, nothing is there. */
  private String away(Operation one) {
    return one.method().equals("GET") ? real(one) : one.path().replaceAll("\\{[^}]*}", NOBODY);
  }

  private String bodyOf(Operation one) {
    return one.described().has("requestBody") ? validBody(one) : "";
  }

  private void tryBodies(Operation one, JsonNode description) throws Exception {
    String path = real(one);
    for (String body : BODIES) {
      send(one, path, body, "application/json");
    }
    send(one, path, validBody(one), "text/plain");
    send(one, path, validBody(one), "nonsense");
    sendBytes(one, path, new byte[] {'{', '"', (byte) 0xff, (byte) 0xc0, '"', '}'});
    List<String> fields = one.fields(description);
    fields.add("unknown");
    // What replaces is read as what creates: a few of each will do.
    boolean few = one.id().startsWith("replace") || one.id().startsWith("patch");
    for (String field : fields) {
      for (String text : few ? List.of(SQL) : TEXTS) {
        sendField(one, path, field, JSON.writeValueAsString(text));
      }
      for (String value : few ? List.of("-1", "[null]", "{}") : VALUES) {
        sendField(one, path, field, value);
      }
    }
  }

  private void sendField(Operation one, String path, String field, String value) throws Exception {
    ObjectNode body = (ObjectNode) JSON.readTree(validBody(one));
    body.remove(field);
    String rest = body.toString();
    String named = JSON.writeValueAsString(field) + ": " + value;
    send(
        one,
        path,
        rest.equals("{}") ? "{" + named + "}" : "{" + named + ", " + rest.substring(1),
        "application/json");
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private void send(Operation one, String path, String body, String type)
      throws IOException, InterruptedException {
    send(
        one,
        path,
        body,
        HttpRequest.newBuilder(address.resolve(path))
            .header("Content-Type", type)
            .method(one.method(), BodyPublishers.ofString(body)));
  }

  private void sendBytes(Operation one, String path, byte[] body)
      throws IOException, InterruptedException {
    send(
        one,
        path,
        "bytes",
        HttpRequest.newBuilder(address.resolve(path))
            .header("Content-Type", "application/json")
            .method(one.method(), BodyPublishers.ofByteArray(body)));
  }

  private void send(Operation one, String path, String shown, HttpRequest.Builder request)
      throws IOException, InterruptedException {
    HttpResponse<String> answer = CLIENT.send(request.build(), BodyHandlers.ofString());
    String what =
        "%s %s %s: %d %s"
            .formatted(
                one.method(),
                shortened(path),
                shortened(shown),
                answer.statusCode(),
                answer.body());
    if (isWrong(one, answer)) {
      wrong.add(what);
    }
    if (answer.statusCode() == 201) {
      forget(answer);
    }
  }

  private static boolean isWrong(Operation one, HttpResponse<String> answer)
      throws JsonProcessingException {
    int status = answer.statusCode();
    String body = answer.body();
    if (status >= 500
        || body.contains("sEcReT")
        || body.contains("io.tidemark.")
        || body.contains("Exception")
        || body.contains("\tat ")
        || answer.headers().firstValue("X-Injected").isPresent()) {
      return true;
    }
    if (!one.described().path("responses").has(Integer.toString(status))
        && !NO_OPERATION.contains(status)) {
      return true;
    }
    if (status < 400) {
      return false;
    }
    JsonNode problem = JSON.readTree(body);
    return !answer.headers().firstValue("Content-Type").orElse("").startsWith(Api.PROBLEM)
        || problem.path("status").asInt() != status
        || problem.path("title").asText().isBlank()
        || problem.path("detail").asText().isBlank();
  }

  private static String shortened(String text) {
    return text.length() > 200 ? text.substring(0, 200) + "…" : text;
  }

  /** What was accepted goes, so that it does not stand in the way of the next one. */
  private void forget(HttpResponse<String> answer) throws IOException, InterruptedException {
    String location = answer.headers().firstValue("Location").orElse("");
    if (!location.isEmpty()) {
      CLIENT.send(
          HttpRequest.newBuilder(URI.create(location)).DELETE().build(), BodyHandlers.discarding());
    }
  }
}

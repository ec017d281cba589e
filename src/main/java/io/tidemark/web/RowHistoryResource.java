package io.tidemark.web;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.run.AskedKey;
import io.tidemark.run.HistoryCursor;
import io.tidemark.run.SyncService;
import io.tidemark.sync.FieldsJson;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.UriInfo;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.ParameterIn;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jspecify.annotations.Nullable;

/** The history of one row: why it is as it is. */
@Path(Api.ROOT)
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = Api.CONFIGURATIONS)
final class RowHistoryResource {
  /** As long as a key may be that a database's index takes, and its names. */
  private static final int KEY_MAX = 8192;

  private final SyncService service;

  RowHistoryResource(SyncService service) {
    this.service = service;
  }

  @GET
  @Path("configurations/{id}/rows")
  @Operation(
      operationId = "getRowHistory",
      summary = "Why a row is as it is",
      description =
          "Both sides' row, who wrote it last, its conflicts and parked changes, and its changes as"
              + " the topics still hold them. A topic is searched backwards for five seconds at"
              + " most; cursor goes on from there.")
  @Parameter(
      name = "key",
      in = ParameterIn.QUERY,
      required = true,
      description =
          "A JSON object of the target's key columns and their values; of a key of one column the"
              + " value alone will do",
      example = "{\"id\": 42}")
  @Parameter(
      name = "limit",
      in = ParameterIn.QUERY,
      description = "Changes at most, of each topic",
      schema =
          @Schema(type = SchemaType.INTEGER, minimum = "1", maximum = "500", defaultValue = "50"))
  @Parameter(
      name = "cursor",
      in = ParameterIn.QUERY,
      description = "changes.next of the answer before")
  @APIResponse(
      responseCode = "200",
      description = "What is known of the row; each part is of its own moment",
      content = @Content(schema = @Schema(implementation = RowHistoryView.class)))
  public RowHistoryView get(@PathParam("id") String id, @Context UriInfo uri) {
    Query query = new Query(uri);
    AskedKey key = key(query);
    int limit = query.limit();
    HistoryCursor cursor = cursor(query);
    query.requireValid();
    UUID configuration = ConfigurationsResource.configurationId(id);
    return RowHistoryView.of(
        service.history(configuration, key, limit, cursor).orElseThrow(ProblemException::new));
  }

  private static AskedKey key(Query query) {
    String text = query.text("key");
    if (text == null || text.isEmpty()) {
      query.refuse("key", "'key' is required: a JSON object of the key's columns, or its value");
      return new AskedKey.Plain("");
    }
    if (text.length() > KEY_MAX) {
      query.refuse("key", "'key' has at most " + KEY_MAX + " characters");
      return new AskedKey.Plain("");
    }
    return text.startsWith("{") ? named(text, query) : new AskedKey.Plain(text);
  }

  private static AskedKey named(String text, Query query) {
    ObjectNode object = RequestJson.object(text.getBytes(StandardCharsets.UTF_8), "'key'");
    FieldsJson problems = FieldsJson.of(JsonNodeFactory.instance.objectNode());
    AskedKey key = new AskedKey.Named(RowBody.read(object, "key", problems));
    problems.errors().forEach(error -> query.refuse(error.field(), error.message()));
    return key;
  }

  private static @Nullable HistoryCursor cursor(Query query) {
    String text = query.text("cursor");
    if (text == null) {
      return null;
    }
    return HistoryCursor.parse(text)
        .orElseGet(
            () -> {
              query.refuse("cursor", "'cursor' is not one that 'changes.next' gave");
              return null;
            });
  }
}

package io.tidemark.web;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.change.Row;
import io.tidemark.conflict.Conflict;
import io.tidemark.conflict.ConflictStatus;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.JdbcConflicts;
import io.tidemark.conflict.Resolution;
import io.tidemark.run.ConflictDecisions.Decision;
import io.tidemark.run.Decided;
import io.tidemark.run.SyncService;
import io.tidemark.sync.FieldsJson;
import io.tidemark.sync.Page;
import io.tidemark.sync.PageCursor;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.SecurityContext;
import jakarta.ws.rs.core.UriInfo;
import java.util.Optional;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.ParameterIn;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.ExampleObject;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

/** Conflicts: rows that both sides wrote. */
@Path(Api.ROOT)
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = Api.CONFLICTS)
final class ConflictsResource {
  private static final int NOTE_MAX = 4000;
  private static final int UUID_LENGTH = 36;
  private static final int KEY_MAX = 8192;
  private static final JdbcConflicts.Filter ALL = new JdbcConflicts.Filter(null, null, null, null);

  private final JdbcConflicts conflicts;
  private final SyncService service;

  ConflictsResource(JdbcConflicts conflicts, SyncService service) {
    this.conflicts = conflicts;
    this.service = service;
  }

  @GET
  @Path("conflicts")
  @Operation(operationId = "listConflicts", summary = "Lists conflicts, newest first")
  @Parameter(
      name = "status",
      in = ParameterIn.QUERY,
      schema = @Schema(enumeration = {"pending", "resolved", "superseded"}))
  @Parameter(
      name = "configuration_id",
      in = ParameterIn.QUERY,
      schema = @Schema(type = SchemaType.STRING, format = "uuid"))
  @Parameter(
      name = "type",
      in = ParameterIn.QUERY,
      schema =
          @Schema(
              enumeration = {
                "insert_exists",
                "update_origin_differs",
                "update_missing",
                "delete_origin_differs",
                "delete_missing",
                "unique_violation",
                "merge_differs"
              }))
  @Parameter(
      name = "key",
      in = ParameterIn.QUERY,
      description = "The value of one of the key's columns")
  @Parameter(
      name = "limit",
      in = ParameterIn.QUERY,
      schema =
          @Schema(type = SchemaType.INTEGER, minimum = "1", maximum = "500", defaultValue = "50"))
  @Parameter(name = "cursor", in = ParameterIn.QUERY, description = "next of the page before")
  @APIResponse(
      responseCode = "200",
      description = "A page",
      content = @Content(schema = @Schema(implementation = Schemas.ConflictPage.class)))
  public Response list(@Context UriInfo uri) {
    Query query = new Query(uri);
    var filter =
        new JdbcConflicts.Filter(
            query.uuid("configuration_id"),
            query.choice("status", ConflictStatus.class),
            query.choice("type", ConflictType.class),
            query.text("key"));
    var page = query.page();
    query.requireValid();
    Optional<PageCursor> after = page.after();
    var rows =
        conflicts.newest(
            filter,
            after.map(PageCursor::at).orElse(null),
            after.map(PageCursor::id).orElse(null),
            page.limit() + 1);
    return Response.ok(
            PageView.of(
                Page.of(rows, page.limit(), row -> new PageCursor(row.detectedAt(), row.id())),
                ConflictView::of))
        .build();
  }

  @GET
  @Path("conflicts/{id}")
  @Operation(operationId = "getConflict", summary = "A conflict with both rows")
  @APIResponse(
      responseCode = "200",
      description = "The conflict",
      content = @Content(schema = @Schema(implementation = ConflictView.class)))
  public ConflictView get(@PathParam("id") String id) {
    return ConflictView.of(find(id));
  }

  private Conflict find(String id) {
    UUID known = Query.id("conflict", id);
    return conflicts
        .find(known)
        .orElseThrow(() -> ProblemException.unknown("there is no conflict " + known));
  }

  @POST
  @Path("conflicts/{id}/resolve")
  @Consumes(MediaType.APPLICATION_JSON)
  @Operation(
      operationId = "resolveConflict",
      summary = "Decides whose row is to stand",
      description =
          "source: the source's newest row is written, or the target's deleted if it is gone."
              + " target: the target's row stays as it is. custom: the given row is written. If"
              + " the target's row has changed since the conflict was recorded, nothing is"
              + " written, the answer is 409 with both rows as they are now, and so is the"
              + " conflict.")
  @RequestBody(
      required = true,
      content =
          @Content(
              schema = @Schema(implementation = Schemas.ResolveRequest.class),
              examples = {
                @ExampleObject(
                    name = "source",
                    value = "{\"resolution\": \"source\", \"note\": \"checked by hand\"}"),
                @ExampleObject(
                    name = "custom",
                    value = "{\"resolution\": \"custom\", \"row\": {\"email\": \"a@example.org\"}}")
              }))
  @APIResponse(
      responseCode = "200",
      description = "Decided",
      content = @Content(schema = @Schema(implementation = ConflictView.class)))
  @APIResponse(
      responseCode = "409",
      description = "The target's row has changed, or the conflict waits for no decision any more",
      content = @Content(mediaType = Api.PROBLEM, schema = @Schema(implementation = Problem.class)))
  public ConflictView resolve(
      @PathParam("id") String id, @Context SecurityContext caller, byte[] body) {
    UUID conflict = Query.id("conflict", id);
    FieldsJson fields = FieldsJson.of(RequestJson.object(body));
    Resolution resolution = fields.requiredChoice("resolution", Resolution.class);
    Optional<ObjectNode> row = fields.object("row");
    if (row.isPresent() != (resolution == Resolution.CUSTOM)) {
      fields.refuse("row", "'row' goes with resolution custom, and only with that");
    }
    Row custom = row.map(object -> RowBody.read(object, "row", fields)).orElse(null);
    String note = fields.text("note", NOTE_MAX).orElse(null);
    RequestJson.requireValid(fields);
    Decided decided =
        service
            .resolve(conflict, new Decision(resolution, custom, note, Caller.nameIn(caller)))
            .orElseThrow(ProblemException::new);
    if (decided instanceof Decided.Done done) {
      return ConflictView.of(done.conflict());
    }
    throw new ProblemException(Problem.rowChanged(((Decided.Changed) decided).fresh()));
  }

  @POST
  @Path("conflicts/resolve")
  @Consumes(MediaType.APPLICATION_JSON)
  @Operation(
      operationId = "resolveConflicts",
      summary = "Decides all conflicts that wait and match a filter",
      description =
          "Each is decided on its own, as by its own call; one that cannot be decided is counted,"
              + " and waits on. The empty filter is all that wait.")
  @RequestBody(
      required = true,
      content =
          @Content(
              schema = @Schema(implementation = Schemas.ResolveAllRequest.class),
              example = "{\"filter\": {\"type\": \"update_missing\"}, \"resolution\": \"source\"}"))
  @APIResponse(
      responseCode = "200",
      description = "How many were decided, and why others were not",
      content = @Content(schema = @Schema(implementation = BulkView.class)))
  public BulkView resolveAll(@Context SecurityContext caller, byte[] body) {
    FieldsJson fields = FieldsJson.of(RequestJson.object(body));
    Optional<ObjectNode> given = fields.object("filter");
    if (given.isEmpty()) {
      fields.refuse("filter", "'filter' is required; {} is all conflicts that wait");
    }
    JdbcConflicts.Filter filter = given.map(ConflictsResource::filter).orElse(ALL);
    Resolution resolution = fields.requiredChoice("resolution", Resolution.class);
    if (resolution == Resolution.CUSTOM) {
      fields.refuse("resolution", "'resolution' is source or target: a row goes with one conflict");
    }
    String note = fields.text("note", NOTE_MAX).orElse(null);
    RequestJson.requireValid(fields);
    return BulkView.of(
        service.resolveAll(filter, new Decision(resolution, null, note, Caller.nameIn(caller))));
  }

  private static JdbcConflicts.Filter filter(ObjectNode object) {
    FieldsJson fields = FieldsJson.of(object);
    Optional<ConflictStatus> status = fields.choice("status", ConflictStatus.class);
    if (status.filter(one -> one != ConflictStatus.PENDING).isPresent()) {
      fields.refuse("status", "'status' is pending: others wait for no decision");
    }
    Optional<String> configuration = fields.text("configuration_id", UUID_LENGTH);
    if (configuration.filter(text -> !Query.isUuid(text)).isPresent()) {
      fields.refuse("configuration_id", "'configuration_id' is a UUID");
    }
    Optional<ConflictType> type = fields.choice("type", ConflictType.class);
    Optional<String> key = fields.text("key", KEY_MAX);
    RequestJson.requireValid(fields);
    return new JdbcConflicts.Filter(
        configuration.map(UUID::fromString).orElse(null),
        null,
        type.orElse(null),
        key.orElse(null));
  }
}

package io.tidemark.web;

import io.tidemark.conflict.Conflict;
import io.tidemark.conflict.ConflictStatus;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.JdbcConflicts;
import io.tidemark.sync.FieldsJson;
import io.tidemark.sync.Page;
import io.tidemark.sync.PageCursor;
import io.tidemark.sync.Refusal;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.util.Optional;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.ParameterIn;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

/** Conflicts: rows that both sides wrote. */
@Path(Api.ROOT)
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = Api.CONFLICTS)
@APIResponse(
    responseCode = "default",
    description = "A problem: what is wrong, and what to do about it",
    content = @Content(mediaType = Api.PROBLEM, schema = @Schema(implementation = Problem.class)))
final class ConflictsResource {
  private static final int NOTE_MAX = 4000;

  private final JdbcConflicts conflicts;

  ConflictsResource(JdbcConflicts conflicts) {
    this.conflicts = conflicts;
  }

  /** Whose row is to stand. */
  enum Resolution {
    SOURCE,
    TARGET,
    CUSTOM
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
      description = "Not available yet: answers 422 for a conflict that waits.")
  @RequestBody(
      required = true,
      content =
          @Content(
              schema = @Schema(implementation = Schemas.ResolveRequest.class),
              example = "{\"resolution\": \"source\", \"note\": \"checked by hand\"}"))
  @APIResponse(
      responseCode = "200",
      description = "Decided",
      content = @Content(schema = @Schema(implementation = ConflictView.class)))
  public ConflictView resolve(@PathParam("id") String id, byte[] body) {
    Conflict conflict = find(id);
    FieldsJson fields = FieldsJson.of(RequestJson.object(body));
    Resolution resolution = fields.requiredChoice("resolution", Resolution.class);
    boolean hasRow = fields.object("row").isPresent();
    if (hasRow != (resolution == Resolution.CUSTOM)) {
      fields.refuse("row", "'row' goes with resolution custom, and only with that");
    }
    fields.text("note", NOTE_MAX);
    RequestJson.requireValid(fields);
    if (conflict.status() != ConflictStatus.PENDING) {
      throw new ProblemException(
          Refusal.state("conflict " + conflict.id() + " waits for no decision any more"));
    }
    throw new ProblemException(
        Refusal.database("resolution", "deciding conflicts by hand is not available yet"));
  }
}

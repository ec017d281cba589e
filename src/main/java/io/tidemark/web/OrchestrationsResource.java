package io.tidemark.web;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.tidemark.declared.DeclaredSyncs;
import io.tidemark.declared.Kind;
import io.tidemark.orchestration.OrchestrationJson;
import io.tidemark.orchestration.OrchestrationService;
import io.tidemark.orchestration.OrchestrationService.Overview;
import io.tidemark.run.ExecutionMode;
import io.tidemark.sync.FieldsJson;
import io.tidemark.sync.Outcome;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.EntityTag;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
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
import org.jspecify.annotations.Nullable;

/** Orchestrations: several configurations that run as one. */
@Path(Api.ROOT)
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = Api.ORCHESTRATIONS)
final class OrchestrationsResource {
  private final OrchestrationService service;
  private final OrchestrationView view;

  OrchestrationsResource(OrchestrationService service, DeclaredSyncs declared, ObjectMapper json) {
    this.service = service;
    this.view = new OrchestrationView(json, declared);
  }

  @POST
  @Path("orchestrations")
  @Consumes(MediaType.APPLICATION_JSON)
  @Operation(
      operationId = "createOrchestration",
      summary = "Runs several configurations as one, in sequence or in parallel")
  @RequestBody(
      required = true,
      content =
          @Content(
              schema = @Schema(implementation = OrchestrationSchemas.Request.class),
              example = OrchestrationSchemas.EXAMPLE))
  @APIResponse(
      responseCode = "201",
      description = "Accepted; Location and ETag are set",
      content = @Content(schema = @Schema(implementation = OrchestrationSchemas.Answer.class)))
  public Response create(byte[] body, @Context UriInfo uri) {
    Overview created =
        required(OrchestrationJson.read(RequestJson.object(body)).then(service::create));
    String id = created.orchestration().id().toString();
    return answer(Response.created(uri.getAbsolutePathBuilder().path(id).build()), created);
  }

  @GET
  @Path("orchestrations")
  @Operation(
      operationId = "listOrchestrations",
      summary = "Lists orchestrations in order of creation")
  @Parameter(name = "name", in = ParameterIn.QUERY, description = "Exactly this name")
  @Parameter(
      name = "limit",
      in = ParameterIn.QUERY,
      schema =
          @Schema(type = SchemaType.INTEGER, minimum = "1", maximum = "500", defaultValue = "50"))
  @Parameter(name = "cursor", in = ParameterIn.QUERY, description = "next of the page before")
  @APIResponse(
      responseCode = "200",
      description = "A page",
      content = @Content(schema = @Schema(implementation = OrchestrationSchemas.AnswerPage.class)))
  public Response list(@Context UriInfo uri) {
    Query query = new Query(uri);
    String name = query.text("name");
    var page = query.page();
    query.requireValid();
    return Response.ok(view.of(service.page(name, page))).build();
  }

  @GET
  @Path("orchestrations/{id}")
  @Operation(operationId = "getOrchestration", summary = "An orchestration and how it is doing")
  @APIResponse(
      responseCode = "200",
      description = "The orchestration; ETag is its version",
      content = @Content(schema = @Schema(implementation = OrchestrationSchemas.Answer.class)))
  public Response get(@PathParam("id") String id) {
    return answer(Response.ok(), required(service.find(orchestrationId(id))));
  }

  @PUT
  @Path("orchestrations/{id}")
  @Consumes(MediaType.APPLICATION_JSON)
  @Declarable(Kind.ORCHESTRATION)
  @Operation(
      operationId = "replaceOrchestration",
      summary = "Replaces a definition",
      description =
          "A field that is left out gets its default. If-Match is honoured. An execution that has"
              + " not ended goes on as it was asked for.")
  @RequestBody(
      required = true,
      content =
          @Content(
              schema = @Schema(implementation = OrchestrationSchemas.Request.class),
              example = OrchestrationSchemas.EXAMPLE))
  @APIResponse(
      responseCode = "200",
      description = "Replaced",
      content = @Content(schema = @Schema(implementation = OrchestrationSchemas.Answer.class)))
  public Response replace(
      @PathParam("id") String id,
      @HeaderParam(HttpHeaders.IF_MATCH) @Nullable String ifMatch,
      byte[] body) {
    UUID orchestration = orchestrationId(id);
    return answer(
        Response.ok(),
        required(
            OrchestrationJson.read(RequestJson.object(body))
                .then(
                    definition ->
                        service.replace(orchestration, IfMatch.version(ifMatch), definition))));
  }

  @DELETE
  @Path("orchestrations/{id}")
  @AdminOnly
  @Declarable(Kind.ORCHESTRATION)
  @Operation(
      operationId = "deleteOrchestration",
      summary = "Removes an orchestration with its history",
      description = "Its configurations and their executions stay.")
  @APIResponse(responseCode = "204", description = "Removed")
  @APIResponse(
      responseCode = "409",
      description = "An execution of it has not ended: execution_id",
      content = @Content(mediaType = Api.PROBLEM, schema = @Schema(implementation = Problem.class)))
  public Response delete(
      @PathParam("id") String id, @HeaderParam(HttpHeaders.IF_MATCH) @Nullable String ifMatch) {
    required(service.delete(orchestrationId(id), IfMatch.version(ifMatch)));
    return Response.noContent().build();
  }

  @POST
  @Path("orchestrations/{id}/execute")
  @Operation(
      operationId = "executeOrchestration",
      summary = "Runs an orchestration now",
      description =
          "The body may be left out; mode says what each sync does instead of what the definition"
              + " says.")
  @RequestBody(
      required = false,
      content =
          @Content(
              mediaType = MediaType.APPLICATION_JSON,
              schema = @Schema(implementation = OrchestrationSchemas.ExecuteRequest.class),
              example = "{\"mode\": \"full\"}"))
  @APIResponse(
      responseCode = "202",
      description = "It will run; Location is the execution",
      content = @Content(schema = @Schema(implementation = OrchestrationExecutionView.class)))
  @APIResponse(
      responseCode = "409",
      description = "Another execution of it has not ended: execution_id",
      content = @Content(mediaType = Api.PROBLEM, schema = @Schema(implementation = Problem.class)))
  public Response execute(
      @PathParam("id") String id,
      byte @Nullable [] body,
      @Context HttpHeaders headers,
      @Context UriInfo uri) {
    UUID orchestration = orchestrationId(id);
    ExecutionMode mode = body == null || body.length == 0 ? null : mode(body, headers);
    return ExecutionsResource.accepted(required(service.execute(orchestration, mode)), uri);
  }

  private static @Nullable ExecutionMode mode(byte[] body, HttpHeaders headers) {
    FieldsJson fields = FieldsJson.of(RequestJson.optional(body, headers));
    ExecutionMode mode = fields.choice("mode", ExecutionMode.class).orElse(null);
    RequestJson.requireValid(fields);
    return mode;
  }

  @GET
  @Path("orchestrations/{id}/executions")
  @Operation(
      operationId = "listOrchestrationExecutions",
      summary = "Lists an orchestration's executions, newest first")
  @Parameter(
      name = "limit",
      in = ParameterIn.QUERY,
      schema =
          @Schema(type = SchemaType.INTEGER, minimum = "1", maximum = "500", defaultValue = "50"))
  @Parameter(name = "cursor", in = ParameterIn.QUERY, description = "next of the page before")
  @APIResponse(
      responseCode = "200",
      description = "A page",
      content =
          @Content(schema = @Schema(implementation = OrchestrationSchemas.ExecutionPage.class)))
  public Response executions(@PathParam("id") String id, @Context UriInfo uri) {
    Query query = new Query(uri);
    var page = query.page();
    query.requireValid();
    return Response.ok(
            PageView.of(
                required(service.executions(orchestrationId(id), page)),
                OrchestrationExecutionView::of))
        .build();
  }

  private static UUID orchestrationId(String id) {
    return Query.id("orchestration", id);
  }

  private static <T> T required(Outcome<T> outcome) {
    return outcome.orElseThrow(ProblemException::new);
  }

  private Response answer(Response.ResponseBuilder response, Overview overview) {
    return response
        .entity(view.of(overview))
        .tag(new EntityTag(Long.toString(overview.orchestration().version())))
        .build();
  }
}

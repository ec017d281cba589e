package io.tidemark.web;

import io.tidemark.orchestration.OrchestrationRecord;
import io.tidemark.orchestration.OrchestrationService;
import io.tidemark.run.Execution;
import io.tidemark.run.ExecutionMode;
import io.tidemark.run.ExecutionStatus;
import io.tidemark.run.ExecutionTrigger;
import io.tidemark.run.JdbcExecutions;
import io.tidemark.run.SyncService;
import io.tidemark.sync.FieldsJson;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.net.URI;
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

/** Executions: what was run, and how it went. */
@Path(Api.ROOT)
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = Api.EXECUTIONS)
final class ExecutionsResource {
  private final SyncService service;
  private final OrchestrationService orchestrations;

  ExecutionsResource(SyncService service, OrchestrationService orchestrations) {
    this.service = service;
    this.orchestrations = orchestrations;
  }

  @POST
  @Path("configurations/{id}/execute")
  @Operation(
      operationId = "executeConfiguration",
      summary = "Runs a configuration now",
      description =
          "The body may be left out. Full on a streaming configuration is a full resync that does"
              + " not stop the stream. Incremental applies everything committed at the source"
              + " before this call, and ends when that is true.")
  @RequestBody(
      required = false,
      content =
          @Content(
              mediaType = MediaType.APPLICATION_JSON,
              schema = @Schema(implementation = Schemas.ExecuteRequest.class),
              example = "{\"mode\": \"full\"}"))
  @APIResponse(
      responseCode = "202",
      description = "It will run; Location is the execution",
      content = @Content(schema = @Schema(implementation = ExecutionView.class)))
  @APIResponse(
      responseCode = "409",
      description = "Another execution of it has not ended: execution_id; or it is paused",
      content = @Content(mediaType = Api.PROBLEM, schema = @Schema(implementation = Problem.class)))
  public Response execute(
      @PathParam("id") String id,
      byte @Nullable [] body,
      @Context HttpHeaders headers,
      @Context UriInfo uri) {
    var configuration = ConfigurationsResource.configurationId(id);
    ExecutionMode mode = body == null || body.length == 0 ? null : mode(body, headers);
    return accepted(
        service
            .execute(configuration, mode, ExecutionTrigger.MANUAL)
            .orElseThrow(ProblemException::new),
        uri);
  }

  private static @Nullable ExecutionMode mode(byte[] body, HttpHeaders headers) {
    FieldsJson fields = FieldsJson.of(RequestJson.optional(body, headers));
    ExecutionMode mode = fields.choice("mode", ExecutionMode.class).orElse(null);
    if (mode == ExecutionMode.VERIFY) {
      fields.refuse("mode", "'mode' is one of: full, incremental, merge; to compare, use /verify");
    }
    RequestJson.requireValid(fields);
    return mode;
  }

  private static Response accepted(Execution execution, UriInfo uri) {
    return Response.accepted(ExecutionView.of(execution))
        .location(location(execution.id(), uri))
        .build();
  }

  static Response accepted(OrchestrationRecord run, UriInfo uri) {
    return Response.accepted(OrchestrationExecutionView.of(run))
        .location(location(run.execution().id(), uri))
        .build();
  }

  private static URI location(UUID execution, UriInfo uri) {
    return uri.getBaseUriBuilder()
        .path(Api.ROOT)
        .path("executions")
        .path(execution.toString())
        .build();
  }

  @POST
  @Path("configurations/{id}/verify")
  @Operation(
      operationId = "verifyConfiguration",
      summary = "Compares source and target by content",
      description =
          "While both change. The execution says how many rows differ, and which, at its end."
              + " With repair, what differs is repaired by the conflict policy and compared again.")
  @RequestBody(
      required = false,
      content =
          @Content(
              mediaType = MediaType.APPLICATION_JSON,
              schema = @Schema(implementation = VerifyBody.class),
              example = "{\"repair\": true}"))
  @APIResponse(
      responseCode = "202",
      description = "It will run; Location is the execution",
      content = @Content(schema = @Schema(implementation = ExecutionView.class)))
  public Response verify(
      @PathParam("id") String id,
      byte @Nullable [] body,
      @Context HttpHeaders headers,
      @Context UriInfo uri) {
    var configuration = ConfigurationsResource.configurationId(id);
    boolean repair = body != null && body.length > 0 && repair(body, headers);
    return accepted(
        service
            .verify(configuration, repair, ExecutionTrigger.MANUAL)
            .orElseThrow(ProblemException::new),
        uri);
  }

  @Schema(name = "Verify")
  record VerifyBody(
      @Schema(description = "Whether what differs is repaired", defaultValue = "false")
          boolean repair) {}

  private static boolean repair(byte[] body, HttpHeaders headers) {
    FieldsJson fields = FieldsJson.of(RequestJson.optional(body, headers));
    boolean repair = fields.flag("repair").orElse(false);
    RequestJson.requireValid(fields);
    return repair;
  }

  @GET
  @Path("executions")
  @Operation(
      operationId = "listExecutions",
      summary = "Lists executions of configurations, newest first")
  @Parameter(
      name = "configuration_id",
      in = ParameterIn.QUERY,
      schema = @Schema(type = SchemaType.STRING, format = "uuid"))
  @Parameter(
      name = "status",
      in = ParameterIn.QUERY,
      schema = @Schema(enumeration = {"pending", "running", "completed", "failed", "cancelled"}))
  @Parameter(
      name = "mode",
      in = ParameterIn.QUERY,
      schema = @Schema(enumeration = {"full", "incremental", "merge", "verify"}))
  @Parameter(
      name = "limit",
      in = ParameterIn.QUERY,
      schema =
          @Schema(type = SchemaType.INTEGER, minimum = "1", maximum = "500", defaultValue = "50"))
  @Parameter(name = "cursor", in = ParameterIn.QUERY, description = "next of the page before")
  @APIResponse(
      responseCode = "200",
      description = "A page",
      content = @Content(schema = @Schema(implementation = Schemas.ExecutionPage.class)))
  public Response list(@Context UriInfo uri) {
    Query query = new Query(uri);
    var filter =
        new JdbcExecutions.Filter(
            query.uuid("configuration_id"),
            query.choice("status", ExecutionStatus.class),
            query.choice("mode", ExecutionMode.class));
    var page = query.page();
    query.requireValid();
    return Response.ok(PageView.of(service.executions(filter, page), ExecutionView::of)).build();
  }

  @GET
  @Path("executions/{id}")
  @Operation(
      operationId = "getExecution",
      summary = "An execution: how far it is, how it went",
      description = "Of a configuration, or of an orchestration, with its children.")
  @APIResponse(
      responseCode = "200",
      description = "The execution",
      content =
          @Content(
              schema = @Schema(oneOf = {ExecutionView.class, OrchestrationExecutionView.class})))
  public Response get(@PathParam("id") String id) {
    UUID execution = Query.id("execution", id);
    return Response.ok(
            service
                .execution(execution)
                .<Object>map(ExecutionView::of)
                .orElseGet(
                    unknown ->
                        OrchestrationExecutionView.of(
                            orchestrations
                                .execution(execution)
                                .orElseThrow(ProblemException::new))))
        .build();
  }

  @POST
  @Path("executions/{id}/cancel")
  @Operation(
      operationId = "cancelExecution",
      summary = "Asks that an execution ends early",
      description =
          "What it has committed stays; status becomes cancelled when it has stopped. An"
              + " orchestration's children end with it.")
  @APIResponse(
      responseCode = "202",
      description = "It will end",
      content =
          @Content(
              schema = @Schema(oneOf = {ExecutionView.class, OrchestrationExecutionView.class})))
  public Response cancel(@PathParam("id") String id, @Context UriInfo uri) {
    UUID execution = Query.id("execution", id);
    if (service.execution(execution).refusal().isPresent()) {
      return accepted(orchestrations.cancel(execution).orElseThrow(ProblemException::new), uri);
    }
    return accepted(service.cancel(execution).orElseThrow(ProblemException::new), uri);
  }
}

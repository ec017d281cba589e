package io.tidemark.web;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.declared.DeclaredSyncs;
import io.tidemark.declared.Kind;
import io.tidemark.run.LeftBehind;
import io.tidemark.run.Overview;
import io.tidemark.run.SyncService;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.SyncDefinitionJson;
import io.tidemark.sync.SyncState;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.PATCH;
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
import java.util.List;
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

/** Configurations: what is kept in step. */
@Path(Api.ROOT)
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = Api.CONFIGURATIONS)
final class ConfigurationsResource {
  private final SyncService service;
  private final ConfigurationView view;

  ConfigurationsResource(SyncService service, DeclaredSyncs declared, ObjectMapper json) {
    this.service = service;
    this.view = new ConfigurationView(json, declared);
  }

  @POST
  @Path("configurations")
  @Consumes(MediaType.APPLICATION_JSON)
  @Operation(
      operationId = "createConfiguration",
      summary = "Keeps a target table in step with a source table",
      description =
          "Both databases are asked first; a refusal names the field and the fix, and changes"
              + " nothing.")
  @RequestBody(
      required = true,
      content =
          @Content(
              schema = @Schema(implementation = Schemas.ConfigurationRequest.class),
              example = Schemas.EXAMPLE))
  @APIResponse(
      responseCode = "201",
      description = "Accepted and started; Location and ETag are set",
      content = @Content(schema = @Schema(implementation = Schemas.Configuration.class)))
  public Response create(byte[] body, @Context UriInfo uri) {
    Overview created =
        SyncDefinitionJson.read(RequestJson.object(body))
            .then(service::create)
            .orElseThrow(ProblemException::new);
    String id = created.configuration().id().toString();
    return answer(Response.created(uri.getAbsolutePathBuilder().path(id).build()), created);
  }

  @GET
  @Path("configurations")
  @Operation(
      operationId = "listConfigurations",
      summary = "Lists configurations in order of creation")
  @Parameter(name = "name", in = ParameterIn.QUERY, description = "Exactly this name")
  @Parameter(name = "enabled", in = ParameterIn.QUERY, schema = @Schema(type = SchemaType.BOOLEAN))
  @Parameter(
      name = "state",
      in = ParameterIn.QUERY,
      schema =
          @Schema(
              enumeration = {
                "disabled",
                "initializing",
                "streaming",
                "scheduled",
                "idle",
                "paused",
                "failed"
              }))
  @Parameter(
      name = "limit",
      in = ParameterIn.QUERY,
      schema =
          @Schema(type = SchemaType.INTEGER, minimum = "1", maximum = "500", defaultValue = "50"))
  @Parameter(name = "cursor", in = ParameterIn.QUERY, description = "next of the page before")
  @APIResponse(
      responseCode = "200",
      description = "A page",
      content = @Content(schema = @Schema(implementation = Schemas.ConfigurationPage.class)))
  public Response list(@Context UriInfo uri) {
    Query query = new Query(uri);
    var filter =
        new JdbcSyncConfigurations.Filter(
            query.text("name"), query.flag("enabled"), query.choice("state", SyncState.class));
    var page = query.page();
    query.requireValid();
    return Response.ok(view.of(service.configurations(filter, page))).build();
  }

  @GET
  @Path("configurations/{id}")
  @Operation(operationId = "getConfiguration", summary = "A configuration and how it is doing")
  @APIResponse(
      responseCode = "200",
      description = "The configuration; ETag is its version",
      content = @Content(schema = @Schema(implementation = Schemas.Configuration.class)))
  public Response get(@PathParam("id") String id) {
    return answer(Response.ok(), required(service.find(configurationId(id))));
  }

  @PUT
  @Path("configurations/{id}")
  @Consumes(MediaType.APPLICATION_JSON)
  @Declarable(Kind.CONFIGURATION)
  @Operation(
      operationId = "replaceConfiguration",
      summary = "Replaces a definition",
      description = "A field that is left out gets its default. If-Match is honoured.")
  @RequestBody(
      required = true,
      content =
          @Content(
              schema = @Schema(implementation = Schemas.ConfigurationRequest.class),
              example = Schemas.EXAMPLE))
  @APIResponse(
      responseCode = "200",
      description = "Replaced",
      content = @Content(schema = @Schema(implementation = Schemas.Configuration.class)))
  public Response replace(
      @PathParam("id") String id,
      @HeaderParam(HttpHeaders.IF_MATCH) @Nullable String ifMatch,
      byte[] body) {
    UUID configuration = configurationId(id);
    ObjectNode document = RequestJson.object(body);
    return answer(
        Response.ok(),
        required(
            service.change(
                configuration,
                IfMatch.version(ifMatch),
                current -> SyncDefinitionJson.read(document))));
  }

  @PATCH
  @Path("configurations/{id}")
  @Consumes({Api.MERGE_PATCH, MediaType.APPLICATION_JSON})
  @Declarable(Kind.CONFIGURATION)
  @Operation(
      operationId = "patchConfiguration",
      summary = "Changes some fields of a definition",
      description = "JSON merge patch (RFC 7396): null sets a field to its default.")
  @RequestBody(
      required = true,
      content =
          @Content(schema = @Schema(type = SchemaType.OBJECT), example = "{\"batch_size\": 5000}"))
  @APIResponse(
      responseCode = "200",
      description = "Changed",
      content = @Content(schema = @Schema(implementation = Schemas.Configuration.class)))
  public Response patch(
      @PathParam("id") String id,
      @HeaderParam(HttpHeaders.IF_MATCH) @Nullable String ifMatch,
      byte[] body) {
    UUID configuration = configurationId(id);
    ObjectNode patch = RequestJson.object(body);
    return answer(
        Response.ok(),
        required(
            service.change(
                configuration,
                IfMatch.version(ifMatch),
                current ->
                    SyncDefinitionJson.read(
                        RequestJson.merged(SyncDefinitionJson.write(current), patch)))));
  }

  @DELETE
  @Path("configurations/{id}")
  @AdminOnly
  @Declarable(Kind.CONFIGURATION)
  @Operation(
      operationId = "deleteConfiguration",
      summary = "Stops and removes a configuration",
      description =
          "Its executions, tracking and conflicts go with it. The target's rows stay as they are.")
  @Parameter(
      name = "force",
      in = ParameterIn.QUERY,
      description =
          "Although a database is away: slot and publication stay there, and the answer says how to"
              + " remove them",
      schema = @Schema(type = SchemaType.BOOLEAN, defaultValue = "false"))
  @APIResponse(responseCode = "204", description = "Removed, with all that was made for it")
  @APIResponse(
      responseCode = "200",
      description = "Removed; the answer says what was left behind",
      content = @Content(schema = @Schema(implementation = LeftBehindView.class)))
  @APIResponse(
      responseCode = "422",
      description = "The source is away, and force was not asked for; nothing was removed",
      content = @Content(mediaType = Api.PROBLEM, schema = @Schema(implementation = Problem.class)))
  public Response delete(
      @PathParam("id") String id,
      @HeaderParam(HttpHeaders.IF_MATCH) @Nullable String ifMatch,
      @Context UriInfo uri) {
    Query query = new Query(uri);
    boolean force = Boolean.TRUE.equals(query.flag("force"));
    query.requireValid();
    UUID configuration = configurationId(id);
    List<LeftBehind> left =
        (force
                ? service.deleteByForce(configuration, IfMatch.version(ifMatch))
                : service.delete(configuration, IfMatch.version(ifMatch)))
            .orElseThrow(ProblemException::new);
    return left.isEmpty()
        ? Response.noContent().build()
        : Response.ok(LeftBehindView.of(left)).build();
  }

  @POST
  @Path("configurations/{id}/pause")
  @Operation(operationId = "pauseConfiguration", summary = "Stops the flow; its place is kept")
  @APIResponse(
      responseCode = "200",
      description = "Paused, or was already",
      content = @Content(schema = @Schema(implementation = Schemas.Configuration.class)))
  public Response pause(@PathParam("id") String id) {
    return answer(Response.ok(), required(service.pause(configurationId(id))));
  }

  @POST
  @Path("configurations/{id}/resume")
  @Operation(
      operationId = "resumeConfiguration",
      summary = "Lets it flow again from where it stopped",
      description = "Also the way to try a failed one again once its cause is mended.")
  @APIResponse(
      responseCode = "200",
      description = "Resumed, or was not paused",
      content = @Content(schema = @Schema(implementation = Schemas.Configuration.class)))
  public Response resume(@PathParam("id") String id) {
    return answer(Response.ok(), required(service.resume(configurationId(id))));
  }

  static UUID configurationId(String id) {
    return Query.id("configuration", id);
  }

  private static Overview required(Outcome<Overview> outcome) {
    return outcome.orElseThrow(ProblemException::new);
  }

  private Response answer(Response.ResponseBuilder response, Overview overview) {
    return response
        .entity(view.of(overview))
        .tag(new EntityTag(Long.toString(overview.configuration().version())))
        .build();
  }
}

package io.tidemark.web;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.declared.DeclaredSyncs;
import io.tidemark.declared.Kind;
import io.tidemark.sync.ConnectionDefinition;
import io.tidemark.sync.ConnectionDefinitionJson;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.FieldsJson;
import io.tidemark.sync.Outcome;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jspecify.annotations.Nullable;

/** Connections: the databases that configurations name. Passwords go in and never come out. */
@Path(Api.ROOT)
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = Api.CONNECTIONS)
final class ConnectionsResource {
  private static final String EXAMPLE =
      """
      {
        "name": "shop",
        "url": "jdbc:postgresql://db.example.org:5432/shop",
        "username": "tidemark",
        "password": "…"
      }
      """;

  private final ConnectionRegistry connections;
  private final DeclaredSyncs declared;

  ConnectionsResource(ConnectionRegistry connections, DeclaredSyncs declared) {
    this.connections = connections;
    this.declared = declared;
  }

  @GET
  @Path("connections")
  @Operation(operationId = "listConnections", summary = "Lists all connections by name")
  @APIResponse(
      responseCode = "200",
      description = "All of them",
      content = @Content(schema = @Schema(implementation = Schemas.ConnectionPage.class)))
  public Response list(@Context UriInfo uri) {
    new Query(uri).requireValid();
    ManagedBy managed = ManagedBy.now(declared);
    return Response.ok(
            PageView.of(connections.describeAll(), one -> ConnectionView.of(one, managed)))
        .build();
  }

  @POST
  @Path("connections")
  @Consumes(MediaType.APPLICATION_JSON)
  @AdminOnly
  @Operation(
      operationId = "createConnection",
      summary = "Makes a connection",
      description = "Its password is stored sealed; needs tidemark.secret-key.")
  @RequestBody(
      required = true,
      content =
          @Content(
              schema = @Schema(implementation = Schemas.ConnectionRequest.class),
              example = EXAMPLE))
  @APIResponse(
      responseCode = "201",
      description = "Made; Location is set",
      content = @Content(schema = @Schema(implementation = ConnectionView.class)))
  public Response create(byte[] body, @Context UriInfo uri) {
    ConnectionView created = answer(connections.create(definition(RequestJson.object(body), null)));
    return Response.created(uri.getAbsolutePathBuilder().path(created.name()).build())
        .entity(created)
        .build();
  }

  @GET
  @Path("connections/{name}")
  @Operation(operationId = "getConnection", summary = "A connection, without its password")
  @APIResponse(
      responseCode = "200",
      description = "The connection",
      content = @Content(schema = @Schema(implementation = ConnectionView.class)))
  public ConnectionView get(@PathParam("name") String name) {
    return answer(connections.describe(known(name)));
  }

  @PUT
  @Path("connections/{name}")
  @Consumes(MediaType.APPLICATION_JSON)
  @AdminOnly
  @Declarable(Kind.CONNECTION)
  @Operation(
      operationId = "replaceConnection",
      summary = "Replaces a connection made over REST",
      description = "What was left out, the password too, is unset.")
  @RequestBody(
      required = true,
      content =
          @Content(
              schema = @Schema(implementation = Schemas.ConnectionRequest.class),
              example = EXAMPLE))
  @APIResponse(
      responseCode = "200",
      description = "Replaced",
      content = @Content(schema = @Schema(implementation = ConnectionView.class)))
  public ConnectionView replace(@PathParam("name") String name, byte[] body) {
    answer(connections.describe(known(name)));
    return answer(connections.replace(definition(RequestJson.object(body), name)));
  }

  @DELETE
  @Path("connections/{name}")
  @AdminOnly
  @Declarable(Kind.CONNECTION)
  @Operation(
      operationId = "deleteConnection",
      summary = "Removes a connection that no configuration uses")
  @APIResponse(responseCode = "204", description = "Removed")
  public Response delete(@PathParam("name") String name) {
    connections.delete(known(name)).orElseThrow(ProblemException::new);
    return Response.noContent().build();
  }

  @POST
  @Path("connections/{name}/check")
  @Operation(
      operationId = "checkConnection",
      summary = "Asks a database whether it can be a source or a target")
  @APIResponse(
      responseCode = "200",
      description = "What was found; reachable says whether it could be asked at all",
      content = @Content(schema = @Schema(implementation = CheckView.class)))
  public CheckView check(@PathParam("name") String name) {
    return CheckView.of(connections.check(known(name)).orElseThrow(ProblemException::new));
  }

  private ConnectionView answer(Outcome<ConnectionRegistry.Described> outcome) {
    return ConnectionView.of(outcome.orElseThrow(ProblemException::new), ManagedBy.now(declared));
  }

  /** A name in a path: what can be no name is the name of nothing. */
  private static String known(String name) {
    if (ConnectionDefinition.problemOfName(name).isPresent()) {
      throw ProblemException.unknown("there is no connection '" + name + "'");
    }
    return name;
  }

  /**
   * Reads a body.
   *
   * @param pathName the name in the path, which the body may repeat; null if the body must have it
   */
  private static ConnectionDefinition definition(ObjectNode body, @Nullable String pathName) {
    FieldsJson fields = FieldsJson.of(body, Set.of("origin"));
    ConnectionDefinition definition =
        pathName == null
            ? ConnectionDefinitionJson.read(fields, UnaryOperator.identity())
            : ConnectionDefinitionJson.readNamed(fields, pathName);
    RequestJson.requireValid(fields);
    return definition;
  }
}

package io.tidemark.web;

import io.tidemark.run.SyncService;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.ParameterIn;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

/** Parked rows: what a target refused while the other rows went on. */
@Path(Api.ROOT)
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = Api.CONFIGURATIONS)
final class ParkedRowsResource {
  private final SyncService service;

  ParkedRowsResource(SyncService service) {
    this.service = service;
  }

  @GET
  @Path("configurations/{id}/parked-rows")
  @Operation(
      operationId = "listParkedRows",
      summary = "Lists the changes that the target refused, newest first",
      description =
          "The target lacks each of them. Mend what refused them, then execute with mode full:"
              + " it brings them and clears the list.")
  @Parameter(
      name = "limit",
      in = ParameterIn.QUERY,
      schema =
          @Schema(type = SchemaType.INTEGER, minimum = "1", maximum = "500", defaultValue = "50"))
  @Parameter(name = "cursor", in = ParameterIn.QUERY, description = "next of the page before")
  @APIResponse(
      responseCode = "200",
      description = "A page",
      content = @Content(schema = @Schema(implementation = Schemas.ParkedRowPage.class)))
  public Response list(@PathParam("id") String id, @Context UriInfo uri) {
    Query query = new Query(uri);
    var page = query.page();
    query.requireValid();
    return Response.ok(
            PageView.of(
                service
                    .parkedRows(ConfigurationsResource.configurationId(id), page)
                    .orElseThrow(ProblemException::new),
                ParkedRowView::of))
        .build();
  }
}

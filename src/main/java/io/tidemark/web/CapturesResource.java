package io.tidemark.web;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.tidemark.run.CaptureStatus;
import io.tidemark.run.ResetIf;
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
import java.time.Instant;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jspecify.annotations.Nullable;

/** Captures: one for each source connection whose changes are followed. */
@Path(Api.ROOT)
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = Api.SYSTEM)
final class CapturesResource {
  private final SyncService service;

  CapturesResource(SyncService service) {
    this.service = service;
  }

  /** The capture of one source connection, as it is answered. */
  @JsonNaming(SnakeCaseStrategy.class)
  @Schema(name = "Capture")
  record CaptureView(
      String connection,
      String slot,
      String publication,
      String state,
      @Schema(nullable = true) @Nullable String stateReason,
      @Schema(description = "Log that the source keeps for the slot", nullable = true)
          @Nullable Long retainedWalBytes,
      @Schema(nullable = true, implementation = String.class, format = "date-time")
          @Nullable Instant lastEventAt) {
    static CaptureView of(CaptureStatus capture) {
      return new CaptureView(
          capture.connection(),
          capture.slot(),
          capture.publication(),
          capture.state(),
          capture.stateReason(),
          capture.retainedWalBytes(),
          capture.lastEventAt());
    }
  }

  @GET
  @Path("captures")
  @Operation(operationId = "listCaptures", summary = "The captures of all source connections")
  @APIResponse(
      responseCode = "200",
      description = "All of them",
      content = @Content(schema = @Schema(implementation = Schemas.CapturePage.class)))
  public PageView<CaptureView> captures(@Context UriInfo uri) {
    new Query(uri).requireValid();
    return PageView.of(service.captures(), CaptureView::of);
  }

  @POST
  @Path("captures/{connection}/reset")
  @AdminOnly
  @Operation(
      operationId = "resetCapture",
      summary = "Makes a capture that may have missed changes anew",
      description =
          "Slot and position are made anew, the publication is kept, and every table of the"
              + " connection is copied in full: what was missed comes with the copy. Topics have a"
              + " gap there. The body may be left out.")
  @RequestBody(
      required = false,
      content =
          @Content(
              mediaType = MediaType.APPLICATION_JSON,
              schema = @Schema(implementation = Schemas.ResetRequest.class),
              example = "{\"force\": true}"))
  @APIResponse(
      responseCode = "202",
      description = "Made anew; these executions copy",
      content = @Content(schema = @Schema(implementation = Schemas.ExecutionPage.class)))
  @APIResponse(
      responseCode = "409",
      description = "The capture has missed nothing, and force was not asked for",
      content = @Content(mediaType = Api.PROBLEM, schema = @Schema(implementation = Problem.class)))
  public Response reset(
      @PathParam("connection") String connection,
      byte @Nullable [] body,
      @Context HttpHeaders headers) {
    var executions =
        service.resetCapture(connection, resetIf(body, headers)).orElseThrow(ProblemException::new);
    return Response.accepted(PageView.of(executions, ExecutionView::of)).build();
  }

  private static ResetIf resetIf(byte @Nullable [] body, HttpHeaders headers) {
    if (body == null || body.length == 0) {
      return ResetIf.FAILED;
    }
    FieldsJson fields = FieldsJson.of(RequestJson.optional(body, headers));
    boolean force = fields.flag("force").orElse(false);
    RequestJson.requireValid(fields);
    return force ? ResetIf.ALWAYS : ResetIf.FAILED;
  }
}

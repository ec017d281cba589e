package io.tidemark.web;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.tidemark.sync.AuditEntry;
import io.tidemark.sync.JdbcAudit;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.UriInfo;
import java.time.Instant;
import java.util.List;
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

/** Who changed what. */
@Path(Api.ROOT)
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = Api.SYSTEM)
final class AuditResource {
  private final JdbcAudit audit;

  AuditResource(JdbcAudit audit) {
    this.audit = audit;
  }

  /** A change on record, as it is answered. */
  @JsonNaming(SnakeCaseStrategy.class)
  @Schema(name = "AuditEntry", description = "A change that somebody made")
  record EntryView(
      UUID id,
      Instant at,
      @Schema(
              description = "A token's role, a JWT's subject, api without either, or sync-file",
              examples = "operator")
          String actor,
      @Schema(description = "The operation", examples = "patchConfiguration") String action,
      @Schema(description = "What it was about: a path below the API's root") String subject,
      @Schema(
              nullable = true,
              description =
                  "What was sent; null if nothing was, or it may hold a password or a row")
          @Nullable String document) {
    static EntryView of(AuditEntry entry) {
      return new EntryView(
          entry.id(), entry.at(), entry.actor(), entry.action(), entry.subject(), entry.document());
    }
  }

  /** A page of them. */
  @Schema(name = "AuditPage")
  record EntryPage(List<EntryView> items, @Schema(nullable = true) @Nullable String next) {}

  @GET
  @Path("audit")
  @AdminOnly
  @Operation(operationId = "listAudit", summary = "Who changed what, newest first")
  @Parameter(name = "actor", in = ParameterIn.QUERY, description = "Exactly this one")
  @Parameter(
      name = "subject",
      in = ParameterIn.QUERY,
      description = "Exactly this path",
      example = "configurations/3f0c…")
  @Parameter(
      name = "limit",
      in = ParameterIn.QUERY,
      schema =
          @Schema(type = SchemaType.INTEGER, minimum = "1", maximum = "500", defaultValue = "50"))
  @Parameter(name = "cursor", in = ParameterIn.QUERY, description = "next of the page before")
  @APIResponse(
      responseCode = "200",
      description = "A page",
      content = @Content(schema = @Schema(implementation = EntryPage.class)))
  public PageView<EntryView> list(@Context UriInfo uri) {
    Query query = new Query(uri);
    String actor = query.text("actor");
    String subject = query.text("subject");
    var page = query.page();
    query.requireValid();
    return PageView.of(audit.page(actor, subject, page), EntryView::of);
  }
}

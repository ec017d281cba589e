package io.tidemark.web;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.tidemark.change.WireName;
import io.tidemark.declared.Declared;
import io.tidemark.declared.DeclaredSyncs;
import io.tidemark.declared.SyncFileLoop;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jspecify.annotations.Nullable;

/** The sync file, and what it owns. */
@Path(Api.ROOT)
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = Api.SYSTEM)
final class SyncFileResource {
  private final DeclaredSyncs declared;
  private final Optional<SyncFileLoop> file;

  SyncFileResource(DeclaredSyncs declared, Optional<SyncFileLoop> file) {
    this.declared = declared;
    this.file = file;
  }

  /** The sync file, as it is answered. */
  @JsonNaming(SnakeCaseStrategy.class)
  @Schema(name = "SyncFile")
  record SyncFileView(
      @Schema(nullable = true, description = "tidemark.sync-file; null if it is not set")
          @Nullable String path,
      @Schema(
              nullable = true,
              implementation = String.class,
              format = "date-time",
              description = "By this process, whole or in part; null if it never was")
          @Nullable Instant appliedAt,
      @Schema(description = "Why the file, or a part of it, is not applied") List<String> problems,
      @Schema(description = "What the file owns: it is changed there only") List<Item> items) {
    SyncFileView {
      problems = List.copyOf(problems);
      items = List.copyOf(items);
    }
  }

  /** One thing that the file owns. */
  @Schema(name = "DeclaredItem")
  record Item(
      @Schema(enumeration = {"connection", "configuration", "orchestration"}) String kind,
      String name) {}

  @GET
  @Path("sync-file")
  @Operation(operationId = "getSyncFile", summary = "The sync file, and what it owns")
  @APIResponse(
      responseCode = "200",
      description = "How the file is doing",
      content = @Content(schema = @Schema(implementation = SyncFileView.class)))
  public SyncFileView get() {
    Optional<SyncFileLoop.Status> status = file.map(SyncFileLoop::status);
    return new SyncFileView(
        status.map(now -> now.path().toString()).orElse(null),
        status.map(SyncFileLoop.Status::appliedAt).orElse(null),
        status.map(SyncFileLoop.Status::problems).orElse(List.of()),
        declared.owned().stream()
            .sorted(Comparator.comparing(Declared::kind).thenComparing(Declared::name))
            .map(one -> new Item(WireName.of(one.kind()), one.name()))
            .toList());
  }
}

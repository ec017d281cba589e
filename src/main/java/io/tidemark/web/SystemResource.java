package io.tidemark.web;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.tidemark.run.SyncService;
import io.tidemark.run.SystemDescription;
import io.tidemark.run.TopicDescription;
import io.tidemark.sync.TrackedPartition;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.UriInfo;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;
import org.jspecify.annotations.Nullable;

/** How the machinery does: tracking, topics and this process. */
@Path(Api.ROOT)
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = Api.SYSTEM)
final class SystemResource {
  private final SyncService service;

  SystemResource(SyncService service) {
    this.service = service;
  }

  /** One partition of a configuration's topic, as it is answered. */
  @JsonNaming(SnakeCaseStrategy.class)
  @Schema(name = "TrackedPartition")
  record PartitionView(
      UUID configurationId,
      String topic,
      int partition,
      @Schema(nullable = true) @Nullable String capturedLsn,
      @Schema(nullable = true) @Nullable String appliedLsn,
      long capturedOffset,
      long appliedOffset,
      @Schema(description = "Records not applied yet") long lagEvents,
      @Schema(description = "Since the target was last known to be in step") double lagSeconds,
      Instant updatedAt) {
    static PartitionView of(TrackedPartition tracked) {
      return new PartitionView(
          tracked.configurationId(),
          tracked.topic(),
          tracked.partition(),
          tracked.capturedLsnText(),
          tracked.appliedLsnText(),
          tracked.capturedOffset(),
          tracked.appliedOffset(),
          tracked.lagEvents(),
          tracked.lagSeconds(),
          tracked.updatedAt());
    }
  }

  /** A column of a topic's table, as it is answered. */
  @Schema(name = "TopicColumn")
  record ColumnView(
      String name,
      @Schema(description = "As PostgreSQL writes it") String type,
      @Schema(description = "Whether it is of the row's key") boolean key) {}

  /** A change topic, as it is answered. */
  @JsonNaming(SnakeCaseStrategy.class)
  @Schema(name = "Topic")
  record TopicView(
      String name,
      String connection,
      String table,
      int partitions,
      List<String> key,
      @Schema(name = "schema", description = "The table's columns and their types")
          List<ColumnView> schema,
      @Schema(
              description =
                  "The version that schema is, the newest that the capture has met, as changes"
                      + " name it; null if none was captured yet, and schema is the table as it is",
              nullable = true)
          @Nullable String schemaId) {
    static TopicView of(TopicDescription topic) {
      return new TopicView(
          topic.name(),
          topic.connection(),
          topic.table(),
          topic.partitions(),
          topic.key(),
          topic.columns().stream()
              .map(column -> new ColumnView(column.name(), column.type(), column.key()))
              .toList(),
          topic.schemaId());
    }
  }

  /** This process, as it is answered. */
  @Schema(name = "System")
  record SystemView(
      String version,
      @Schema(enumeration = {"embedded", "external"}) String mode,
      Addresses addresses) {
    static SystemView of(SystemDescription system) {
      return new SystemView(
          system.version(),
          system.mode(),
          new Addresses(
              system.storeUrl(), system.kafkaBootstrapServers(), system.connectionUrls()));
    }
  }

  /** What psql and Kafka clients connect to. */
  @JsonNaming(SnakeCaseStrategy.class)
  @Schema(name = "Addresses")
  record Addresses(
      @Schema(description = "JDBC URL of the metadata database") String store,
      String kafkaBootstrapServers,
      @Schema(description = "JDBC URL by connection") Map<String, String> connections) {}

  @GET
  @Path("configurations/{id}/tracking")
  @Operation(
      operationId = "getTracking",
      summary = "Where each partition of a configuration's topic stands")
  @APIResponse(
      responseCode = "200",
      description = "All partitions",
      content = @Content(schema = @Schema(implementation = Schemas.TrackingPage.class)))
  public PageView<PartitionView> tracking(@PathParam("id") String id) {
    return PageView.of(
        service
            .tracking(ConfigurationsResource.configurationId(id))
            .orElseThrow(ProblemException::new),
        PartitionView::of);
  }

  @GET
  @Path("topics")
  @Operation(operationId = "listTopics", summary = "The change topics and their tables")
  @APIResponse(
      responseCode = "200",
      description = "All of them",
      content = @Content(schema = @Schema(implementation = Schemas.TopicPage.class)))
  public PageView<TopicView> topics(@Context UriInfo uri) {
    new Query(uri).requireValid();
    return PageView.of(service.topics(), TopicView::of);
  }

  @GET
  @Path("system")
  @Operation(operationId = "getSystem", summary = "This process and what it relies on")
  @APIResponse(
      responseCode = "200",
      description = "Version, mode and addresses",
      content = @Content(schema = @Schema(implementation = SystemView.class)))
  public SystemView system() {
    return SystemView.of(service.system());
  }
}

package io.tidemark.web;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/**
 * Bodies that are read and written field by field, described for OpenAPI. Nothing makes these; a
 * test compares their fields with real answers.
 */
final class Schemas {
  static final String EXAMPLE =
      """
      {
        "name": "users_sync",
        "source_table": "users_source",
        "target_table": "users_target",
        "sync_strategy": "incremental",
        "conflict_resolution": "source_wins",
        "batch_size": 1000,
        "sync_interval_seconds": 3600,
        "enabled": true
      }
      """;

  private Schemas() {}

  /** A definition's fields, as a request has them. */
  @Schema(
      name = "ConfigurationRequest",
      requiredProperties = {"name", "source_table", "target_table", "sync_strategy"},
      description = "What to keep in step. A field that is left out, or null, has its default.")
  static class ConfigurationRequest {
    @Schema(description = "Unique, 1 to 128 characters", minLength = 1, maxLength = 128)
    public String name = "";

    @Schema(description = "table, schema.table, or quoted as in SQL: \"Odd Name\"")
    public String source_table = "";

    @Schema(description = "As source_table, in the target database")
    public String target_table = "";

    @Schema(defaultValue = "source", description = "The name of a connection")
    public String source_connection = "";

    @Schema(defaultValue = "target", description = "The name of a connection")
    public String target_connection = "";

    @Schema(enumeration = {"full", "incremental", "merge"})
    public String sync_strategy = "";

    @Schema(
        enumeration = {"source_wins", "target_wins", "timestamp", "manual"},
        defaultValue = "source_wins")
    public String conflict_resolution = "";

    @Schema(
        enumeration = {"auto", "origin", "before_image", "timestamp", "existence"},
        defaultValue = "auto")
    public String conflict_detection = "";

    @Schema(defaultValue = "updated_at", description = "For conflict_resolution timestamp")
    public String timestamp_column = "";

    @Schema(
        nullable = true,
        description = "Source columns; null: the primary key, else a unique not-null index")
    public List<String> key_columns = List.of();

    @Schema(description = "A list of names, or a map of source to target; null: all, by name")
    public Object columns = "";

    @Schema(
        nullable = true,
        description = "An SQL boolean expression over source columns; null: all rows")
    public String row_filter = "";

    @Schema(minimum = "1", maximum = "50000", defaultValue = "1000", description = "Rows")
    public int batch_size;

    @Schema(
        nullable = true,
        minimum = "1",
        description = "null: continuous for incremental and merge, on demand for full")
    public Integer sync_interval_seconds = 1;

    @Schema(defaultValue = "false", description = "full only: empties the target first")
    public boolean truncate_target;

    @Schema(
        enumeration = {"apply", "ignore"},
        defaultValue = "apply")
    public String delete_handling = "";

    @Schema(
        enumeration = {"auto", "never"},
        defaultValue = "auto")
    public String initial_sync = "";

    @Schema(defaultValue = "false", description = "merge only: changes flow back as well")
    public boolean bidirectional;

    @Schema(
        defaultValue = "false",
        description =
            "merge only: changes of different columns of one row are both kept; needs REPLICA"
                + " IDENTITY FULL at the source")
    public boolean merge_columns;

    @Schema(
        description =
            "add_columns: the target gets the columns that the source gets; goes with full and"
                + " incremental",
        enumeration = {"none", "add_columns"},
        defaultValue = "none")
    public String schema_evolution = "";

    @Schema(defaultValue = "true")
    public boolean enabled;
  }

  /** A definition and how it is doing. */
  @Schema(name = "Configuration", description = "What is kept in step, and how it is doing")
  static final class Configuration extends ConfigurationRequest {
    public UUID id = new UUID(0, 0);

    @Schema(
        enumeration = {
          "disabled",
          "initializing",
          "streaming",
          "scheduled",
          "idle",
          "paused",
          "failed"
        })
    public String state = "";

    @Schema(
        nullable = true,
        description = "Why it is in this state, and what to do about it; or null")
    public String state_reason = "";

    @Schema(nullable = true, description = "The newest execution; null before the first")
    public @Nullable ExecutionView last_execution;

    @Schema(
        nullable = true,
        implementation = String.class,
        format = "date-time",
        description =
            "When its schedule lets it run next; null without one, while it runs, and while it is"
                + " paused or disabled")
    public Instant next_run_at = Instant.EPOCH;

    @Schema(
        nullable = true,
        description = "How far the target is behind; null before anything was captured")
    public Lag lag = new Lag();

    @Schema(description = "Changes that the target refused: see parked-rows")
    public long rows_parked;

    @Schema(description = "Conflicts that wait for a decision")
    public long conflicts_pending;

    @Schema(
        nullable = true,
        description = "How conflicts are told; null before the databases were asked")
    public Detection detection = new Detection();

    @Schema(nullable = true, examples = ManagedBy.SYNC_FILE, description = ManagedBy.DESCRIPTION)
    public String managed_by = "";

    public Instant created_at = Instant.EPOCH;
    public Instant updated_at = Instant.EPOCH;

    @Schema(description = "Counts changes of the definition; also the ETag")
    public long version;

    @Schema(description = "What to beware of; in the answer to a request that set a definition")
    public List<FindingView> warnings = List.of();
  }

  /** How conflicts are told. */
  @Schema(name = "Detection")
  static final class Detection {
    @Schema(enumeration = {"origin", "before_image", "timestamp", "existence"})
    public String mode = "";

    @Schema(description = "What the two databases allow, or that the configuration asks for it")
    public String reason = "";

    @Schema(nullable = true, description = "What would make a stronger mode possible; or null")
    public String stronger = "";
  }

  /** How far a target is behind. */
  @Schema(name = "Lag")
  static final class Lag {
    public long lag_events;
    public double lag_seconds;
  }

  /** A page of configurations. */
  @Schema(name = "ConfigurationPage")
  static final class ConfigurationPage {
    public List<Configuration> items = List.of();

    @Schema(nullable = true, description = "The cursor of the next page; null on the last")
    public String next = "";
  }

  /** What to execute. */
  @Schema(name = "ExecuteRequest")
  static final class ExecuteRequest {
    @Schema(
        nullable = true,
        enumeration = {"full", "incremental", "merge"},
        description = "null: as the configuration's sync_strategy says")
    public String mode = "";
  }

  /** What to do when a capture is reset. */
  @Schema(name = "ResetRequest")
  static final class ResetRequest {
    @Schema(defaultValue = "false", description = "Although it has missed nothing")
    public boolean force;
  }

  /** A connection, as a request has it. */
  @Schema(
      name = "ConnectionRequest",
      requiredProperties = {"name", "url"})
  static final class ConnectionRequest {
    @Schema(pattern = "[a-z0-9][a-z0-9_-]{0,31}")
    public String name = "";

    @Schema(examples = "jdbc:postgresql://db.example.org:5432/shop")
    public String url = "";

    @Schema(nullable = true)
    public String username = "";

    @Schema(nullable = true, writeOnly = true)
    public String password = "";
  }

  /** A page. */
  @Schema(name = "ExecutionPage")
  static final class ExecutionPage {
    public List<ExecutionView> items = List.of();

    @Schema(nullable = true, description = "The cursor of the next page; null on the last")
    public String next = "";
  }

  /** A page. */
  @Schema(name = "ConflictPage")
  static final class ConflictPage {
    public List<ConflictView> items = List.of();

    @Schema(nullable = true, description = "The cursor of the next page; null on the last")
    public String next = "";
  }

  /** A page. */
  @Schema(name = "ConnectionPage")
  static final class ConnectionPage {
    public List<ConnectionView> items = List.of();

    @Schema(nullable = true, description = "The cursor of the next page; null on the last")
    public String next = "";
  }

  /** A page. */
  @Schema(name = "ParkedRowPage")
  static final class ParkedRowPage {
    public List<ParkedRowView> items = List.of();

    @Schema(nullable = true, description = "The cursor of the next page; null on the last")
    public String next = "";
  }

  /** A page. */
  @Schema(name = "TrackingPage")
  static final class TrackingPage {
    public List<SystemResource.PartitionView> items = List.of();

    @Schema(nullable = true, description = "The cursor of the next page; null on the last")
    public String next = "";
  }

  /** A page. */
  @Schema(name = "CapturePage")
  static final class CapturePage {
    public List<CapturesResource.CaptureView> items = List.of();

    @Schema(nullable = true, description = "The cursor of the next page; null on the last")
    public String next = "";
  }

  /** A page. */
  @Schema(name = "TopicPage")
  static final class TopicPage {
    public List<SystemResource.TopicView> items = List.of();

    @Schema(nullable = true, description = "The cursor of the next page; null on the last")
    public String next = "";
  }

  /** A decision. */
  @Schema(name = "ResolveRequest", requiredProperties = "resolution")
  static final class ResolveRequest {
    @Schema(enumeration = {"source", "target", "custom"})
    public String resolution = "";

    @Schema(
        nullable = true,
        type = SchemaType.OBJECT,
        description =
            "For custom only: the target's columns and their values. A column that is left out"
                + " keeps its value, or gets its default in a new row; the key may be left out")
    public Object row = "";

    @Schema(nullable = true, maxLength = 4000)
    public String note = "";
  }

  /** Which conflicts are to be decided. */
  @Schema(name = "ConflictFilter", description = "All of these have to match; {} is all that wait")
  static final class ConflictFilter {
    @Schema(nullable = true, enumeration = "pending")
    public String status = "";

    @Schema(nullable = true)
    public UUID configuration_id = new UUID(0, 0);

    @Schema(
        nullable = true,
        enumeration = {
          "insert_exists",
          "update_origin_differs",
          "update_missing",
          "delete_origin_differs",
          "delete_missing",
          "unique_violation",
          "merge_differs"
        })
    public String type = "";

    @Schema(nullable = true, description = "The value of one of the key's columns")
    public String key = "";
  }

  /** One decision about many. */
  @Schema(
      name = "ResolveAllRequest",
      requiredProperties = {"filter", "resolution"})
  static final class ResolveAllRequest {
    public ConflictFilter filter = new ConflictFilter();

    @Schema(enumeration = {"source", "target"})
    public String resolution = "";

    @Schema(nullable = true, maxLength = 4000)
    public String note = "";
  }
}

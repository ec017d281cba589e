package io.tidemark.web;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/**
 * Bodies of orchestrations that are read and written field by field, described for OpenAPI. Nothing
 * makes these; a test compares their fields with real answers.
 */
final class OrchestrationSchemas {
  static final String EXAMPLE =
      """
      {
        "name": "nightly",
        "configurations": [
          "8c6f0a52-7d3b-4e0e-9d0a-2f1f6f0f7a11",
          "0d2b8e3c-51a7-4b0d-8f6e-6a7c1d9e4b22"
        ],
        "mode": "parallel",
        "max_parallel": 4,
        "on_failure": "continue",
        "order": "foreign_keys",
        "execution_mode": "full",
        "sync_interval_seconds": 86400
      }
      """;

  private OrchestrationSchemas() {}

  /** A definition's fields, as a request has them. */
  @Schema(
      name = "OrchestrationRequest",
      requiredProperties = {"name", "configurations"},
      description = "What to run as one. A field that is left out, or null, has its default.")
  static class Request {
    @Schema(description = "Unique, 1 to 128 characters", minLength = 1, maxLength = 128)
    public String name = "";

    @Schema(
        description = "Ids of different configurations, in order",
        minItems = 1,
        maxItems = 1000)
    public List<UUID> configurations = List.of();

    @Schema(
        enumeration = {"sequential", "parallel"},
        defaultValue = "sequential")
    public String mode = "";

    @Schema(
        minimum = "1",
        maximum = "64",
        defaultValue = "4",
        description =
            "parallel only: how many run at once; no more than tidemark.executions.parallel do in"
                + " one process")
    public int max_parallel;

    @Schema(
        enumeration = {"stop", "continue"},
        defaultValue = "stop",
        description =
            "stop: when one did not complete, those that run go on to their end and no other one"
                + " begins")
    public String on_failure = "";

    @Schema(
        enumeration = {"given", "foreign_keys"},
        defaultValue = "given",
        description = "foreign_keys: a table comes after those that it refers to, on either side")
    public String order = "";

    @Schema(
        nullable = true,
        enumeration = {"full", "incremental", "merge", "verify"},
        description = "What each one does; null: the mode of its strategy")
    public String execution_mode = "";

    @Schema(nullable = true, minimum = "1", description = "null: on demand only")
    public Integer sync_interval_seconds = 1;
  }

  /** An answer's fields. */
  @Schema(name = "Orchestration")
  static final class Answer extends Request {
    public UUID id = new UUID(0, 0);

    @Schema(nullable = true)
    public @Nullable OrchestrationExecutionView last_execution;

    @Schema(
        nullable = true,
        implementation = String.class,
        format = "date-time",
        description = "null without a schedule, and while one runs")
    public Instant next_run_at = Instant.EPOCH;

    @Schema(nullable = true, examples = ManagedBy.SYNC_FILE, description = ManagedBy.DESCRIPTION)
    public String managed_by = "";

    public Instant created_at = Instant.EPOCH;
    public Instant updated_at = Instant.EPOCH;

    @Schema(description = "Also the ETag")
    public long version;
  }

  /** What an execution is to do. */
  @Schema(name = "OrchestrationExecuteRequest")
  static final class ExecuteRequest {
    @Schema(
        nullable = true,
        enumeration = {"full", "incremental", "merge", "verify"},
        description = "What each sync does; null: what the definition says")
    public String mode = "";
  }

  /** A page. */
  @Schema(name = "OrchestrationPage")
  static final class AnswerPage {
    public List<Answer> items = List.of();

    @Schema(nullable = true, description = "The cursor of the next page; null on the last")
    public String next = "";
  }

  /** A page. */
  @Schema(name = "OrchestrationExecutionPage")
  static final class ExecutionPage {
    public List<OrchestrationExecutionView> items = List.of();

    @Schema(nullable = true, description = "The cursor of the next page; null on the last")
    public String next = "";
  }
}

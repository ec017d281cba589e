package io.tidemark.web;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.tidemark.sync.PgConnectionCheck;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** What the check of a connection found, as it is answered. */
@JsonNaming(SnakeCaseStrategy.class)
@Schema(name = "ConnectionCheck")
record CheckView(
    boolean reachable,
    @Schema(nullable = true) @Nullable String serverVersion,
    @Schema(description = "For one question and its answer", nullable = true)
        @Nullable Long latencyMillis,
    @Schema(description = "logical, if changes are to be captured", nullable = true)
        @Nullable String walLevel,
    @Schema(description = "Whether the role may read the log") boolean canReplicate,
    @Schema(description = "Whether the role may create schemas and publications") boolean canCreate,
    @Schema(description = "Whether conflicts can be told by origin") boolean tracksCommitTimestamps,
    List<FindingView> findings) {
  CheckView {
    findings = List.copyOf(findings);
  }

  static CheckView of(PgConnectionCheck.Result result) {
    return new CheckView(
        result.reachable(),
        result.serverVersion(),
        result.latencyMillis(),
        result.walLevel(),
        result.canReplicate(),
        result.canCreate(),
        result.tracksCommitTimestamps(),
        result.findings().stream().map(FindingView::of).toList());
  }
}

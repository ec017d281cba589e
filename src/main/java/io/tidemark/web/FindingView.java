package io.tidemark.web;

import io.tidemark.change.WireName;
import io.tidemark.sync.Finding;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** A finding, as it is answered. */
@Schema(name = "Finding", description = "What was found in a database")
record FindingView(
    @Schema(enumeration = {"error", "warning"}) String severity,
    String field,
    @Schema(description = "A stable word") String code,
    String message,
    @Schema(description = "What to do about it") String fix) {
  static FindingView of(Finding finding) {
    return new FindingView(
        WireName.of(finding.severity()),
        finding.field(),
        finding.code(),
        finding.message(),
        finding.fix());
  }
}

package io.tidemark.sync;

import io.tidemark.conflict.DetectionChoice;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What pre-flight found.
 *
 * @param resolved the mapping; null exactly if one of the findings is an error
 * @param chosen how conflicts are told; null likewise
 */
public record PreFlightReport(
    List<Finding> findings, @Nullable TableMapping resolved, @Nullable DetectionChoice chosen) {
  public PreFlightReport {
    findings = List.copyOf(findings);
    boolean hasError = findings.stream().anyMatch(Finding::isError);
    if (hasError != (resolved == null) || hasError != (chosen == null)) {
      throw new IllegalArgumentException(
          "there are mapping and detection unless there is an error");
    }
  }

  public Optional<TableMapping> mapping() {
    return Optional.ofNullable(resolved);
  }

  public Optional<DetectionChoice> detection() {
    return Optional.ofNullable(chosen);
  }

  public List<Finding> warnings() {
    return findings.stream().filter(finding -> !finding.isError()).toList();
  }
}

package io.tidemark.sync;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What pre-flight found.
 *
 * @param resolved the mapping; null exactly if one of the findings is an error
 */
public record PreFlightReport(List<Finding> findings, @Nullable TableMapping resolved) {
  public PreFlightReport {
    findings = List.copyOf(findings);
    boolean hasError = findings.stream().anyMatch(Finding::isError);
    if (hasError != (resolved == null)) {
      throw new IllegalArgumentException("there is a mapping unless there is an error");
    }
  }

  public Optional<TableMapping> mapping() {
    return Optional.ofNullable(resolved);
  }

  public List<Finding> warnings() {
    return findings.stream().filter(finding -> !finding.isError()).toList();
  }
}

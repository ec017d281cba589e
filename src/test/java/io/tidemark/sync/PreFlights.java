package io.tidemark.sync;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/** What tests of the pre-flight ask, and what they expect of an answer. */
final class PreFlights {
  private PreFlights() {}

  static final String STREAM = "\"sync_strategy\": \"incremental\"";
  static final String COPY = "\"sync_strategy\": \"full\"";

  static List<Finding> inspect(PgDatabase source, PgDatabase target, String more) {
    try {
      ObjectNode json =
          (ObjectNode)
              new ObjectMapper()
                  .readTree(
                      """
                      {"name": "n", "source_table": "users", "target_table": "users", %s}
                      """
                          .formatted(more));
      SyncDefinition definition =
          SyncDefinitionJson.read(json)
              .orElseThrow(refusal -> new IllegalArgumentException(refusal.detail()));
      return new PgPreFlight(name -> "preflight_" + name)
          .inspect(definition, source, target)
          .findings();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Finding only(List<Finding> findings) {
    assertThat(findings).hasSize(1);
    return findings.get(0);
  }

  static Finding error(List<Finding> findings, String code) {
    Finding finding = only(findings);
    assertThat(finding.code()).isEqualTo(code);
    assertThat(finding.isError()).isTrue();
    return finding;
  }

  static Finding warning(List<Finding> findings, String code) {
    Finding finding = only(findings);
    assertThat(finding.code()).isEqualTo(code);
    assertThat(finding.isError()).isFalse();
    return finding;
  }
}

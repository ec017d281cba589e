package io.tidemark.boot;

import io.smallrye.common.annotation.Identifier;
import io.tidemark.change.WireName;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.DetectionChoice;
import io.tidemark.run.Acceptance;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.Finding;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.PrintStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;

/** Pre-flight: every connection, the broker and every configuration, one line each with the fix. */
@Singleton
final class Check {
  private static final int BROKER_SECONDS_MAX = 10;

  private final ConnectionRegistry connections;
  private final JdbcSyncConfigurations configurations;
  private final Acceptance acceptance;
  private final Map<String, Object> kafka;
  private final PrintStream out;
  private boolean failed;

  @Inject
  Check(
      ConnectionRegistry connections,
      JdbcSyncConfigurations configurations,
      Acceptance acceptance,
      @Identifier("default-kafka-broker") Map<String, Object> kafka) {
    this(connections, configurations, acceptance, kafka, System.out);
  }

  Check(
      ConnectionRegistry connections,
      JdbcSyncConfigurations configurations,
      Acceptance acceptance,
      Map<String, Object> kafka,
      PrintStream out) {
    this.connections = connections;
    this.configurations = configurations;
    this.acceptance = acceptance;
    this.kafka = kafka;
    this.out = out;
  }

  /** Prints the findings and answers whether everything would work. */
  boolean passes() {
    ok("store", "the metadata database answers and its tables are up to date");
    broker();
    connections.describeAll().forEach(connection -> connection(connection.name()));
    configurations.all().forEach(this::configuration);
    out.println(failed ? "check: something would fail" : "check: all would work");
    return !failed;
  }

  private void broker() {
    Map<String, Object> settings = new HashMap<>(kafka);
    settings.keySet().removeIf(key -> key.startsWith("key.") || key.startsWith("value."));
    try (Admin admin = Admin.create(settings)) {
      int nodes = admin.describeCluster().nodes().get(BROKER_SECONDS_MAX, TimeUnit.SECONDS).size();
      ok("kafka", nodes + " broker" + (nodes == 1 ? "" : "s"));
    } catch (ExecutionException | TimeoutException e) {
      fail("kafka", "no broker answers: set kafka.bootstrap.servers to one that is up");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      fail("kafka", "interrupted");
    }
  }

  private void connection(String name) {
    List<Finding> findings =
        connections
            .check(name)
            .orElseThrow(refusal -> new IllegalStateException(refusal.detail()))
            .findings();
    if (findings.stream().noneMatch(Finding::isError)) {
      ok("connection " + name, "answers");
    }
    findings.forEach(finding -> finding("connection " + name, finding));
  }

  private void configuration(SyncConfiguration configuration) {
    String subject = "configuration " + configuration.definition().name();
    Optional<String> refused =
        acceptance
            .inspect(configuration.definition(), configuration.id())
            .map(
                accepted -> {
                  accepted.warnings().forEach(warning -> finding(subject, warning));
                  detection(subject, configuration.definition(), accepted.detection());
                  return Optional.<String>empty();
                })
            .orElseGet(refusal -> Optional.of(refusal.detail()));
    refused.ifPresentOrElse(detail -> fail(subject, detail), () -> ok(subject, "would run"));
  }

  /** Who chose a weaker way of telling conflicts knows it; who left it open may not. */
  private void detection(String subject, SyncDefinition definition, DetectionChoice choice) {
    if (definition.needsCapture() && definition.conflictDetection() == ConflictDetection.AUTO) {
      choice
          .strongerBy()
          .ifPresent(
              stronger ->
                  warn(
                      subject,
                      "conflicts are told by %s: %s. To tell more: %s"
                          .formatted(WireName.of(choice.mode()), choice.reason(), stronger)));
    }
  }

  private void finding(String subject, Finding finding) {
    if (finding.isError()) {
      fail(subject, finding.messageAndFix());
    } else {
      warn(subject, finding.messageAndFix());
    }
  }

  private void warn(String subject, String text) {
    out.printf("warn  %-28s %s%n", subject, text);
  }

  private void ok(String subject, String text) {
    out.printf("ok    %-28s %s%n", subject, text);
  }

  private void fail(String subject, String text) {
    failed = true;
    out.printf("FAIL  %-28s %s%n", subject, text);
  }
}

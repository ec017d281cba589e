package io.tidemark.boot;

import io.smallrye.common.annotation.Identifier;
import io.tidemark.change.WireName;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.DetectionChoice;
import io.tidemark.declared.Change;
import io.tidemark.declared.Change.Action;
import io.tidemark.declared.Declaration;
import io.tidemark.declared.DeclaredSyncs;
import io.tidemark.declared.Kind;
import io.tidemark.declared.SyncFile;
import io.tidemark.run.Acceptance;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.ConnectionRegistry.Described;
import io.tidemark.sync.Finding;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.io.PrintStream;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.jspecify.annotations.Nullable;

/** Pre-flight: every connection, the broker and every configuration, one line each with the fix. */
@Singleton
final class Check {
  private static final int BROKER_SECONDS_MAX = 10;

  private final ConnectionRegistry connections;
  private final JdbcSyncConfigurations configurations;
  private final Acceptance acceptance;
  private final Map<String, Object> kafka;
  private final Optional<Wanted> wanted;
  private final PrintStream out;
  private boolean failed;

  @Inject
  Check(
      ConnectionRegistry connections,
      JdbcSyncConfigurations configurations,
      Acceptance acceptance,
      @Identifier("default-kafka-broker") Map<String, Object> kafka,
      Optional<SyncFile> file,
      DeclaredSyncs declared) {
    this(
        connections,
        configurations,
        acceptance,
        kafka,
        file.map(one -> new Wanted(one, declared)),
        System.out);
  }

  Check(
      ConnectionRegistry connections,
      JdbcSyncConfigurations configurations,
      Acceptance acceptance,
      Map<String, Object> kafka,
      Optional<Wanted> wanted,
      PrintStream out) {
    this.connections = connections;
    this.configurations = configurations;
    this.acceptance = acceptance;
    this.kafka = kafka;
    this.wanted = wanted;
    this.out = out;
  }

  /** A sync file, and who would apply it. */
  record Wanted(SyncFile file, DeclaredSyncs declared) {}

  /** Prints the findings and answers whether everything would work. */
  boolean passes(RunMode mode) {
    ok("store", "the metadata database answers and its tables are up to date");
    broker();
    connections.describeAll().forEach(connection -> connection(connection.name()));
    configurations.all().forEach(this::configuration);
    wanted.ifPresent(one -> syncFile(one, mode));
    out.println(failed ? "check: something would fail" : "check: all would work");
    return !failed;
  }

  private void syncFile(Wanted one, RunMode mode) {
    Outcome<Declaration> read = one.file().read();
    read.refusal().ifPresent(refusal -> fail("sync file", refusal.detail()));
    read.map(
        declaration -> {
          List<Change> changes = one.declared().plan(declaration);
          long steps = changes.stream().filter(step -> step.action() != Action.KEEP).count();
          ok("sync file", one.file().path() + ": changes to make: " + steps);
          changes.stream()
              .filter(step -> step.subject().kind() == Kind.CONFIGURATION)
              .filter(step -> step.action() == Action.CREATE || step.action() == Action.CHANGE)
              .forEach(step -> declaredConfiguration(step.subject().name(), declaration));
          if (mode == RunMode.CHECK_PLAN) {
            changes.forEach(this::plan);
          }
          return declaration;
        });
  }

  private void declaredConfiguration(String name, Declaration declaration) {
    SyncDefinition definition = declaration.configuration(name).orElseThrow();
    Set<String> there =
        connections.describeAll().stream().map(Described::name).collect(Collectors.toSet());
    if (!there.containsAll(List.of(definition.sourceConnection(), definition.targetConnection()))) {
      // Its connection is made by the same file, or the refusal comes with the application.
      warn("configuration " + name, "cannot be looked at before its connections are made");
      return;
    }
    configuration(
        definition, configurations.findByName(name).map(SyncConfiguration::id).orElse(null));
  }

  private void plan(Change change) {
    out.printf("plan  %-8s %s%n", WireName.of(change.action()), change.subject());
    change.details().forEach(detail -> out.printf("plan           %s%n", detail));
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
    configuration(configuration.definition(), configuration.id());
  }

  private void configuration(SyncDefinition definition, @Nullable UUID id) {
    String subject = "configuration " + definition.name();
    Optional<String> refused =
        acceptance
            .inspect(definition, id)
            .map(
                accepted -> {
                  accepted.warnings().forEach(warning -> finding(subject, warning));
                  detection(subject, definition, accepted.detection());
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

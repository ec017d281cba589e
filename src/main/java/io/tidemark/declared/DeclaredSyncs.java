package io.tidemark.declared;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.WireName;
import io.tidemark.declared.Change.Action;
import io.tidemark.orchestration.Orchestration;
import io.tidemark.orchestration.OrchestrationDefinition;
import io.tidemark.orchestration.OrchestrationService;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.run.SyncService;
import io.tidemark.sync.ConnectionDefinition;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.JdbcAudit;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Makes what is there what a file declares, through the doors that everybody else uses. What cannot
 * be done is told and left as it was; the rest is done all the same, and doing it again does no
 * harm.
 */
public final class DeclaredSyncs {
  /** Who it is on the record of changes. */
  private static final String ACTOR = "sync-file";

  private final JdbcDeclared declared;
  private final ConnectionRegistry connections;
  private final JdbcSyncConfigurations configurations;
  private final SyncService syncs;
  private final OrchestrationService orchestrations;
  private final JdbcAudit audit;

  public DeclaredSyncs(
      JdbcDeclared declared,
      ConnectionRegistry connections,
      JdbcSyncConfigurations configurations,
      SyncService syncs,
      OrchestrationService orchestrations,
      JdbcAudit audit) {
    this.declared = declared;
    this.connections = connections;
    this.configurations = configurations;
    this.syncs = syncs;
    this.orchestrations = orchestrations;
    this.audit = audit;
  }

  /**
   * What an application came to.
   *
   * @param changes those that were carried out
   * @param problems why others were not, a sentence each
   */
  public record Applied(List<Change> changes, List<String> problems) {
    public Applied {
      changes = List.copyOf(changes);
      problems = List.copyOf(problems);
    }
  }

  /** What {@link #apply} would do, all of it, and what stays as it is. */
  public List<Change> plan(Declaration declaration) {
    return Plan.of(declaration, present(declaration));
  }

  Applied apply(Declaration declaration) {
    return declared.alone(
        () -> {
          List<Change> done = new ArrayList<>();
          List<String> problems = new ArrayList<>();
          forgetWhatIsGone(declaration);
          for (Change change : plan(declaration)) {
            if (change.action() != Action.KEEP) {
              problemOf(change, declaration)
                  .ifPresentOrElse(
                      problem -> problems.add(change.subject() + ": " + problem),
                      () -> {
                        record(change);
                        done.add(change);
                      });
            }
          }
          return new Applied(done, problems);
        });
  }

  /** A process that ended before it could; whoever makes a thing of this name has it. */
  private void forgetWhatIsGone(Declaration declaration) {
    Present present = present(declaration);
    for (Declared one : present.owned()) {
      if (!declaration.names().contains(one) && !present.has(one)) {
        declared.remove(one);
      }
    }
  }

  private void record(Change change) {
    String details = String.join("; ", change.details());
    audit.add(
        ACTOR,
        WireName.of(change.action()),
        change.subject().toString(),
        details.isEmpty() ? null : details);
  }

  /**
   * INVARIANT: what the file makes is the file's before it is there, and until it is gone. Else a
   * process that is killed in between left a thing that nobody removes.
   */
  private Optional<String> problemOf(Change change, Declaration declaration) {
    Declared subject = change.subject();
    if (change.action() == Action.CREATE) {
      declared.add(subject);
    }
    Optional<String> problem = carriedOut(change, declaration);
    switch (change.action()) {
      case CREATE -> problem.ifPresent(notMade -> declared.remove(subject));
      case DELETE -> problem.ifPresentOrElse(stillThere -> {}, () -> declared.remove(subject));
      default -> problem.ifPresentOrElse(asItWas -> {}, () -> declared.add(subject));
    }
    return problem;
  }

  /** Why it could not be; empty if it was. */
  private Optional<String> carriedOut(Change change, Declaration declaration) {
    if (change.action() == Action.ADOPT) {
      return Optional.empty();
    }
    try {
      return carryOut(change, declaration).refusal().map(Refusal::detail);
    } catch (OperatingFailure e) {
      return Optional.of(e.getMessage() + e.hint().map(hint -> "; " + hint).orElse(""));
    }
  }

  private Outcome<?> carryOut(Change change, Declaration declaration) {
    String name = change.subject().name();
    return switch (change.subject().kind()) {
      case CONNECTION ->
          change.action() == Action.DELETE
              ? connections.delete(name)
              : connection(change.action(), declaration.connection(name).orElseThrow());
      case CONFIGURATION ->
          change.action() == Action.DELETE
              ? idOf(name).then(id -> syncs.delete(id, null))
              : configuration(change.action(), declaration.configuration(name).orElseThrow());
      case ORCHESTRATION ->
          change.action() == Action.DELETE
              ? orchestration(name).then(one -> orchestrations.delete(one.id(), null))
              : orchestration(change.action(), declaration.orchestration(name).orElseThrow());
    };
  }

  private Outcome<?> connection(Action action, ConnectionDefinition definition) {
    return action == Action.CREATE
        ? connections.create(definition)
        : connections.replace(definition);
  }

  private Outcome<?> configuration(Action action, SyncDefinition definition) {
    return action == Action.CREATE
        ? syncs.create(definition)
        : idOf(definition.name()).then(id -> syncs.change(id, null, now -> Outcome.of(definition)));
  }

  private Outcome<?> orchestration(Action action, DeclaredOrchestration one) {
    Map<String, UUID> ids = new HashMap<>();
    for (String name : one.configurations()) {
      Optional<SyncConfiguration> found = configurations.findByName(name);
      if (found.isEmpty()) {
        return Outcome.refused(
            Refusal.invalid("configurations", "there is no configuration named '" + name + "'"));
      }
      ids.put(name, found.get().id());
    }
    OrchestrationDefinition definition = one.with(ids::get);
    return action == Action.CREATE
        ? orchestrations.create(definition)
        : orchestration(one.name()).then(now -> orchestrations.replace(now.id(), null, definition));
  }

  private Outcome<UUID> idOf(String configuration) {
    return Outcome.ofKnown(
        configurations.findByName(configuration).map(SyncConfiguration::id),
        "there is no configuration named '" + configuration + "'");
  }

  private Outcome<Orchestration> orchestration(String name) {
    return Outcome.ofKnown(
        orchestrations.findByName(name), "there is no orchestration named '" + name + "'");
  }

  private Present present(Declaration declaration) {
    Set<Declared> owned = declared.all();
    Set<Declared> named = new HashSet<>(owned);
    named.addAll(declaration.names());
    Map<String, PgDatabase> databases = new HashMap<>();
    Map<String, Orchestration> runs = new HashMap<>();
    for (Declared one : named) {
      if (one.kind() == Kind.CONNECTION) {
        connections.find(one.name()).ifPresent(found -> databases.put(one.name(), found));
      }
      if (one.kind() == Kind.ORCHESTRATION) {
        orchestrations.findByName(one.name()).ifPresent(found -> runs.put(one.name(), found));
      }
    }
    Map<String, SyncConfiguration> all =
        configurations.all().stream()
            .collect(Collectors.toMap(one -> one.definition().name(), Function.identity()));
    return new Present(databases, all, runs, owned);
  }

  /** What the file owns. */
  public Set<Declared> owned() {
    return declared.all();
  }

  /**
   * Whether the file owns what a request is about; what does not exist belongs to nobody.
   *
   * @param reference a connection's name, or another's id
   */
  public Optional<Declared> owned(Kind kind, String reference) {
    return nameOf(kind, reference)
        .map(name -> new Declared(kind, name))
        .filter(declared.all()::contains);
  }

  private Optional<String> nameOf(Kind kind, String reference) {
    if (kind == Kind.CONNECTION) {
      return Optional.of(reference);
    }
    UUID id;
    try {
      id = UUID.fromString(reference);
    } catch (IllegalArgumentException notAnId) {
      return Optional.empty();
    }
    return kind == Kind.CONFIGURATION
        ? configurations.find(id).map(found -> found.definition().name())
        : orchestrations
            .find(id)
            .map(found -> Optional.of(found.orchestration().definition().name()))
            .orElseGet(refusal -> Optional.empty());
  }
}

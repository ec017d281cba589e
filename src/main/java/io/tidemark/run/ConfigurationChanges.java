package io.tidemark.run;

import io.tidemark.change.OperatingFailure;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Makes, replaces and removes configurations: in the store, and what runs for them with it. */
final class ConfigurationChanges {
  private final JdbcSyncConfigurations configurations;
  private final Acceptance acceptance;
  private final ExecutionRequests requests;
  private final SyncEngine engine;
  private final ConfigurationLocks locks;
  private final Overviews overviews;
  private final TargetSharing sharing;

  ConfigurationChanges(
      JdbcSyncConfigurations configurations,
      Acceptance acceptance,
      ExecutionRequests requests,
      SyncEngine engine,
      ConfigurationLocks locks,
      Overviews overviews,
      TargetSharing sharing) {
    this.configurations = configurations;
    this.acceptance = acceptance;
    this.requests = requests;
    this.engine = engine;
    this.locks = locks;
    this.overviews = overviews;
    this.sharing = sharing;
  }

  /** Accepts a definition and starts it; leaves nothing behind if any step fails. */
  Outcome<Overview> create(SyncDefinition definition) {
    if (configurations.findByName(definition.name()).isPresent()) {
      return Outcome.refused(nameTaken(definition));
    }
    return acceptance
        .inspect(definition)
        .then(accepted -> unlessTaken(definition, null, accepted))
        .then(accepted -> create(definition, accepted));
  }

  private Outcome<Overview> create(SyncDefinition definition, Acceptance.Accepted accepted) {
    Optional<SyncConfiguration> created = configurations.create(definition);
    if (created.isEmpty()) {
      return Outcome.refused(nameTaken(definition));
    }
    SyncConfiguration configuration = created.get();
    Optional<Refusal> overtaken = sharing.refusal(definition, configuration.id());
    if (overtaken.isPresent()) {
      // Another one has been made since it was asked: neither of the two is there afterwards.
      configurations.delete(configuration.id());
      return Outcome.refused(overtaken.get());
    }
    return locks.holding(
        configuration.id(),
        () -> {
          try {
            engine.onCreated(configuration, accepted.mapping());
          } catch (RuntimeException e) {
            undo(configuration, e);
            throw e;
          }
          configurations.updateDetection(configuration.id(), accepted.detection());
          return Outcome.of(overviews.now(configuration, accepted.warnings()));
        });
  }

  /** Two configurations that write one table would undo what the other writes. */
  private Outcome<Acceptance.Accepted> unlessTaken(
      SyncDefinition definition, @Nullable UUID self, Acceptance.Accepted accepted) {
    return sharing
        .refusal(definition, self)
        .map(Outcome::<Acceptance.Accepted>refused)
        .orElseGet(() -> Outcome.of(accepted));
  }

  /** INVARIANT: a configuration that could not be started is not there afterwards. */
  private void undo(SyncConfiguration configuration, RuntimeException cause) {
    try {
      configurations.beginDeletion(configuration.id());
      engine.onDeleted(configuration);
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
    try {
      configurations.delete(configuration.id());
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  /**
   * Replaces a definition.
   *
   * @param expectedVersion the version that the caller has seen; null if it does not matter
   * @param change from the present definition to the new one, or a refusal
   */
  Outcome<Overview> change(
      UUID id,
      @Nullable Long expectedVersion,
      Function<SyncDefinition, Outcome<SyncDefinition>> change) {
    return locks.holding(
        id,
        () ->
            configuration(id)
                .then(current -> atVersion(current, expectedVersion))
                .then(
                    current ->
                        change
                            .apply(current.definition())
                            .then(definition -> replace(current, definition))));
  }

  private Outcome<Overview> replace(SyncConfiguration current, SyncDefinition definition) {
    Optional<SyncConfiguration> sameName = configurations.findByName(definition.name());
    if (sameName.isPresent() && !sameName.get().id().equals(current.id())) {
      return Outcome.refused(nameTaken(definition));
    }
    return acceptance
        .inspect(definition, current.id())
        .then(accepted -> unlessTaken(definition, current.id(), accepted))
        .then(accepted -> replace(current, definition, accepted));
  }

  private Outcome<Overview> replace(
      SyncConfiguration current, SyncDefinition definition, Acceptance.Accepted accepted) {
    Optional<SyncConfiguration> replaced = configurations.replace(current, definition);
    if (replaced.isEmpty()) {
      return configuration(current.id())
          .then(now -> Outcome.refused(Refusal.version(now.version())));
    }
    SyncConfiguration after = replaced.get();
    try {
      engine.onChanged(current, after, accepted.mapping());
    } catch (RuntimeException e) {
      restore(current, after, e);
      throw e;
    }
    configurations.updateDetection(after.id(), accepted.detection());
    return Outcome.of(overviews.now(after, accepted.warnings()));
  }

  private void restore(SyncConfiguration before, SyncConfiguration after, RuntimeException cause) {
    try {
      configurations.replace(after, before.definition());
      configurations.updateState(before.id(), before.state(), before.stateReason());
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  private static Outcome<SyncConfiguration> atVersion(
      SyncConfiguration current, @Nullable Long expected) {
    return expected == null || expected == current.version()
        ? Outcome.of(current)
        : Outcome.refused(Refusal.version(current.version()));
  }

  /**
   * Stops a configuration and removes it with everything that was made for it.
   *
   * @return what could not be removed, and does no harm
   */
  Outcome<List<LeftBehind>> delete(UUID id, @Nullable Long expectedVersion) {
    return delete(id, expectedVersion, this::removed);
  }

  private List<LeftBehind> abandoned(SyncConfiguration configuration) {
    // One that does not end, because a server hangs, holds up nobody: it finds itself deleted.
    requests.end(configuration.id());
    return engine.onAbandoned(configuration);
  }

  private List<LeftBehind> removed(SyncConfiguration configuration) {
    requireEnded(configuration);
    try {
      return engine.onDeleted(configuration);
    } catch (OperatingFailure e) {
      throw new OperatingFailure(
          e.kind(),
          e.code(),
          String.valueOf(e.getMessage()),
          "Nothing was removed. Mend it, or delete with ?force=true, which leaves behind what is"
              + " out of reach and says how to remove it later.",
          e);
    }
  }

  /** Removes a configuration whoever is away; what is out of reach is left behind. */
  Outcome<List<LeftBehind>> deleteByForce(UUID id, @Nullable Long expectedVersion) {
    return delete(id, expectedVersion, this::abandoned);
  }

  private Outcome<List<LeftBehind>> delete(
      UUID id,
      @Nullable Long expectedVersion,
      Function<SyncConfiguration, List<LeftBehind>> removing) {
    return locks.holding(
        id,
        () ->
            configuration(id)
                .then(current -> atVersion(current, expectedVersion))
                .then(this::unlessOrchestrated)
                .map(current -> remove(current, removing)));
  }

  private Outcome<SyncConfiguration> unlessOrchestrated(SyncConfiguration current) {
    List<String> orchestrations = configurations.beginDeletion(current.id());
    return orchestrations.isEmpty()
        ? Outcome.of(current)
        : Outcome.refused(
            Refusal.state(
                "it is part of orchestrations: "
                    + String.join(", ", orchestrations)
                    + "; take it out of them first"));
  }

  private List<LeftBehind> remove(
      SyncConfiguration current, Function<SyncConfiguration, List<LeftBehind>> removing) {
    try {
      List<LeftBehind> left = removing.apply(current);
      configurations.delete(current.id());
      return left;
    } catch (RuntimeException e) {
      try {
        configurations.endDeletion(current.id());
      } catch (RuntimeException failedToo) {
        e.addSuppressed(failedToo);
      }
      throw e;
    }
  }

  /** An execution that ended later would make again what is removed now. */
  private void requireEnded(SyncConfiguration current) {
    if (!requests.end(current.id())) {
      throw new OperatingFailure(
          OperatingFailure.Kind.CAPACITY,
          "execution_active",
          "an execution of '" + current.definition().name() + "' does not end",
          "Nothing was removed. See GET /executions, and delete it once that one has ended.",
          null);
    }
  }

  private Outcome<SyncConfiguration> configuration(UUID id) {
    return Outcome.ofKnown(configurations.find(id), "there is no configuration " + id);
  }

  static Refusal nameTaken(SyncDefinition definition) {
    return Refusal.state(
        "name",
        "there is a configuration named '" + definition.name() + "' already; choose another name");
  }
}

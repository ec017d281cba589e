package io.tidemark.run;

import io.tidemark.change.Row;
import io.tidemark.conflict.Conflict;
import io.tidemark.conflict.ConflictStatus;
import io.tidemark.conflict.JdbcConflicts;
import io.tidemark.conflict.JdbcDecisions;
import io.tidemark.conflict.JdbcDecisions.Held;
import io.tidemark.conflict.JdbcDecisions.Intent;
import io.tidemark.conflict.Resolution;
import io.tidemark.conflict.RowsJson;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Carries out what people decide about conflicts. What is to be done is on record first, then the
 * target is written, then it is on record that it was: whatever dies in between, the decision is
 * finished later, once. While the target is written the conflict's row is held, so that a later
 * change has either joined before or finds the key free.
 */
public final class ConflictDecisions {
  /** Changes of one row that join faster than a decision is made of it: then somebody waits. */
  private static final int ATTEMPTS_MAX = 10;

  private final JdbcConflicts conflicts;
  private final JdbcDecisions decisions;
  private final DecisionSteps steps;
  private final JdbcSyncConfigurations configurations;
  private final ConnectionRegistry connections;
  private final Acceptance acceptance;
  private final Supplier<UUID> ids;

  public ConflictDecisions(
      JdbcConflicts conflicts,
      JdbcDecisions decisions,
      JdbcSyncConfigurations configurations,
      ConnectionRegistry connections,
      Acceptance acceptance,
      Supplier<UUID> ids) {
    this.conflicts = conflicts;
    this.decisions = decisions;
    this.configurations = configurations;
    this.connections = connections;
    this.acceptance = acceptance;
    this.ids = ids;
    steps = new DecisionSteps(decisions);
  }

  /**
   * What a person wants.
   *
   * @param row for {@link Resolution#CUSTOM}: values by the target's column names, with the key's
   *     or without
   * @param by the person's role, or {@code api}
   */
  public record Decision(
      Resolution resolution, @Nullable Row row, @Nullable String note, String by) {}

  /** Decides one conflict. */
  public Outcome<Decided> decide(UUID id, Decision decision) {
    return pending(id)
        .then(
            conflict ->
                with(conflict, decision.resolution(), target -> decide(target, id, decision)));
  }

  private Outcome<Conflict> pending(UUID id) {
    Optional<Conflict> found = conflicts.find(id);
    if (found.isEmpty()) {
      return Outcome.refused(DecisionSteps.unknown(id));
    }
    return found.get().status() == ConflictStatus.PENDING
        ? Outcome.of(found.get())
        : Outcome.refused(DecisionSteps.ended(found.get()));
  }

  /** What is done over a session on the target. */
  interface Work<T> {
    Outcome<T> on(DecisionTarget target);
  }

  /** Opens the target of a conflict's configuration for decisions of one kind. */
  <T> Outcome<T> with(Conflict conflict, Resolution resolution, Work<T> work) {
    UUID id = conflict.configurationId();
    return Outcome.ofKnown(configurations.find(id), "there is no configuration " + id)
        .then(
            configuration ->
                acceptance
                    .inspect(configuration.definition(), id)
                    .then(
                        accepted -> {
                          try (DecisionTarget target =
                              DecisionTarget.open(
                                  configuration, accepted, connections, resolution)) {
                            return work.on(target);
                          }
                        }));
  }

  /** Decides one conflict over a session that is open for its configuration and resolution. */
  Outcome<Decided> decide(DecisionTarget target, UUID id, Decision decision) {
    return pending(id)
        .then(
            conflict -> {
              Optional<Refusal> refusal = CustomRow.refusal(target, conflict, decision);
              return refusal.isPresent()
                  ? Outcome.refused(refusal.get())
                  : settle(target, id, ids.get(), decision);
            });
  }

  private Outcome<Decided> settle(
      DecisionTarget target, UUID id, UUID decisionId, Decision decision) {
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      Outcome<Conflict> seen = pending(id);
      if (seen.refusal().isPresent()) {
        return Outcome.refused(seen.refusal().get());
      }
      Conflict conflict = seen.orElseThrow(refusal -> new IllegalStateException());
      switch (steps.begin(conflict, plan(target, conflict, decisionId, decision))) {
        case INTENDED -> {
          Optional<Outcome<Decided>> end = steps.finish(id, decisionId, target);
          if (end.isPresent()) {
            return end.get();
          }
        }
        case OTHER -> {
          Optional<Refusal> obstacle = finish(id);
          if (obstacle.isPresent()) {
            return Outcome.refused(obstacle.get());
          }
        }
        case MOVED -> {
          // The newest row is taken in the next attempt.
        }
        case ENDED -> {
          return Outcome.refused(DecisionSteps.ended(conflict));
        }
      }
    }
    decisions.drop(id, decisionId);
    return Outcome.refused(
        Refusal.state("the row of conflict " + id + " changes all the time; try again"));
  }

  private static Intent plan(
      DecisionTarget target, Conflict conflict, UUID decisionId, Decision decision) {
    Row row =
        switch (decision.resolution()) {
          case SOURCE -> target.newestOf(conflict).orElse(null);
          case TARGET -> null;
          case CUSTOM -> decision.row();
        };
    return new Intent(
        decisionId,
        decision.resolution(),
        RowsJson.text(row),
        conflict.sourcePosition(),
        decision.note(),
        decision.by());
  }

  /** Conflicts whose decisions were made before this time and are not known to be carried out. */
  List<UUID> undone(Instant before, int limit) {
    return decisions.undone(before, limit);
  }

  /**
   * Finishes a decision that is on record, whoever made it.
   *
   * @return why it cannot be finished now; empty also if it was finished meanwhile
   */
  Optional<Refusal> finish(UUID id) {
    Optional<Conflict> conflict = conflicts.find(id);
    Optional<Intent> intent = decisions.holding(id, Held::intent).orElse(Optional.empty());
    if (conflict.isEmpty()
        || intent.isEmpty()
        || conflict.get().status() != ConflictStatus.PENDING) {
      return Optional.empty();
    }
    Intent kept = intent.get();
    return with(
            conflict.get(),
            kept.resolution(),
            target ->
                steps
                    .finish(id, kept.id(), target)
                    .orElseGet(() -> settle(target, id, kept.id(), decisionOf(kept))))
        .refusal();
  }

  private static Decision decisionOf(Intent intent) {
    Row row = intent.resolution() == Resolution.CUSTOM ? RowsJson.row(intent.row()) : null;
    return new Decision(intent.resolution(), row, intent.note(), intent.by());
  }
}

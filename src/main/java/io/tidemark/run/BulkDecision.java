package io.tidemark.run;

import io.tidemark.change.OperatingFailure;
import io.tidemark.conflict.Conflict;
import io.tidemark.conflict.JdbcConflicts;
import io.tidemark.run.ConflictDecisions.Decision;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One decision about many conflicts, page by page; one that cannot be decided holds up no other.
 */
public final class BulkDecision {
  private static final int PAGE = 200;

  /** Reasons beyond these say nothing new, and an answer is held in memory. */
  private static final int REASONS_MAX = 50;

  private final JdbcConflicts conflicts;
  private final ConflictDecisions decisions;
  private final Decision decision;
  private final List<Result.Refused> refused = new ArrayList<>();
  private final Map<UUID, String> closed = new HashMap<>();
  private long decidedCount;
  private long refusedCount;

  BulkDecision(JdbcConflicts conflicts, ConflictDecisions decisions, Decision decision) {
    this.conflicts = conflicts;
    this.decisions = decisions;
    this.decision = decision;
  }

  /**
   * What came of it.
   *
   * @param refused some of those that were not decided
   */
  public record Result(long decided, List<Refused> refused, long refusedCount) {
    public Result {
      refused = List.copyOf(refused);
    }

    /** A conflict that still waits, and why. */
    public record Refused(UUID id, String detail) {}
  }

  /** Decides all that wait and match now; those that come meanwhile are not among them. */
  Result run(JdbcConflicts.Filter filter) {
    @Nullable Instant at = null;
    @Nullable UUID after = null;
    List<Conflict> page = conflicts.newest(filter, null, null, PAGE);
    while (!page.isEmpty()) {
      Map<UUID, List<Conflict>> byConfiguration = new LinkedHashMap<>();
      page.forEach(
          one ->
              byConfiguration
                  .computeIfAbsent(one.configurationId(), id -> new ArrayList<>())
                  .add(one));
      byConfiguration.values().forEach(this::decideAll);
      Conflict last = page.get(page.size() - 1);
      at = last.detectedAt();
      after = last.id();
      page = conflicts.newest(filter, at, after, PAGE);
    }
    return new Result(decidedCount, refused, refusedCount);
  }

  /** Those of one configuration, over one session on its target. */
  private void decideAll(List<Conflict> group) {
    UUID configuration = group.get(0).configurationId();
    String why = closed.get(configuration);
    if (why != null) {
      group.forEach(one -> refuse(one, why));
      return;
    }
    List<Conflict> left = new ArrayList<>(group);
    try {
      Outcome<Boolean> outcome =
          decisions.with(
              group.get(0),
              decision.resolution(),
              target -> {
                while (!left.isEmpty()) {
                  Conflict next = left.get(0);
                  count(next, decisions.decide(target, next.id(), decision));
                  left.remove(0);
                }
                return Outcome.of(true);
              });
      outcome
          .refusal()
          .map(Refusal::detail)
          .ifPresent(detail -> close(configuration, left, detail));
    } catch (OperatingFailure e) {
      close(configuration, left, e.getMessage() + e.hint().map(hint -> ". " + hint).orElse(""));
    }
  }

  /** A database that does not answer is not asked again for each of thousands. */
  private void close(UUID configuration, List<Conflict> left, String why) {
    closed.put(configuration, why);
    left.forEach(one -> refuse(one, why));
  }

  private void count(Conflict conflict, Outcome<Decided> outcome) {
    if (outcome.refusal().isPresent()) {
      refuse(conflict, outcome.refusal().get().detail());
      return;
    }
    Decided decided = outcome.orElseThrow(refusal -> new IllegalStateException());
    if (decided instanceof Decided.Changed) {
      refuse(conflict, "the target's row has changed since; the conflict has it now");
    } else {
      decidedCount++;
    }
  }

  private void refuse(Conflict conflict, String detail) {
    refusedCount++;
    if (refused.size() < REASONS_MAX) {
      refused.add(new Result.Refused(conflict.id(), detail));
    }
  }
}

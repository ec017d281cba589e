package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tidemark.TestStack;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.RowKey;
import io.tidemark.change.SourcePosition;
import io.tidemark.conflict.Conflict;
import io.tidemark.conflict.ConflictStatus;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.JdbcDecisions.Intent;
import io.tidemark.conflict.Later;
import io.tidemark.conflict.Resolution;
import io.tidemark.run.ConflictDecisions.Decision;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Decisions that died on their way, and who finishes or gives them up. */
@Tag("engine")
final class UnfinishedDecisionsTest extends DecisionsFixture {
  /** Puts a decision on record as its first step does, and dies. */
  private Intent intend(UUID id, Resolution resolution, @Nullable String row) {
    Conflict seen = find(id);
    Intent intent =
        new Intent(UUID.randomUUID(), resolution, row, seen.sourcePosition(), null, "operator");
    assertThat(new DecisionSteps(store).begin(seen, intent))
        .isEqualTo(DecisionSteps.Begun.INTENDED);
    return intent;
  }

  private void finishUndone() {
    Clock later = Clock.offset(CLOCK, Upkeep.UNDONE_AFTER.plusSeconds(5));
    try (Upkeep upkeep =
        new Upkeep(
            decisions,
            conflicts,
            new JdbcExecutions(STORE.jdbi, later, Duration.ofDays(90)),
            later)) {
      upkeep.finishUndone();
    }
  }

  @Test
  void finishesADecisionThatDiedBeforeItReachedTheTarget() {
    UUID id = differing(1);
    intend(id, Resolution.SOURCE, find(id).sourceRow());

    finishUndone();

    assertThat(emails()).isEqualTo("1 ours1");
    assertThat(find(id).resolvedBy()).isEqualTo("operator");
  }

  @Test
  void finishesItBeforeAnotherOneIsMade() {
    UUID id = differing(1);
    intend(id, Resolution.SOURCE, find(id).sourceRow());

    Outcome<Decided> second = decisions.decide(id, of(Resolution.TARGET));

    assertThat(second.refusal().orElseThrow().reason()).isEqualTo(Refusal.Reason.STATE);
    assertThat(emails()).isEqualTo("1 ours1");
    assertThat(find(id).resolution()).isEqualTo("source");
  }

  @Test
  void givesUpADecisionThatDiedOnARowThatHasChangedSince() {
    UUID id = differing(1);
    intend(id, Resolution.SOURCE, find(id).sourceRow());
    TestStack.execute(TARGET, "update users set email = 'newer'");

    finishUndone();

    assertThat(emails()).isEqualTo("1 newer");
    assertThat(find(id).status()).isEqualTo(ConflictStatus.PENDING);
    assertThat(find(id).targetRow()).contains("newer");
    assertThat(store.undone(Instant.now().plusSeconds(60), 10)).isEmpty();
  }

  /** The store dies when the target has committed. */
  private void decideAndDieBeforeTheMark(UUID id, Decision decision) {
    TestStack.execute(
        STORE.database,
        """
        create or replace function die() returns trigger language plpgsql as
          $$ begin raise exception 'no'; end $$;
        create trigger die before update on sync_conflicts
          for each row when (new.status = 'resolved') execute function die();
        """);
    try {
      assertThatThrownBy(() -> decisions.decide(id, decision)).isInstanceOf(OperatingFailure.class);
    } finally {
      TestStack.execute(STORE.database, "drop trigger die on sync_conflicts");
    }
    assertThat(find(id).status()).isEqualTo(ConflictStatus.PENDING);
  }

  @Test
  void marksADecisionThatDiedAfterTheTargetsCommitAndWritesNothingTwice() {
    UUID id = differing(1);
    decideAndDieBeforeTheMark(id, custom(Map.of("email", "mine")));
    assertThat(emails()).isEqualTo("1 mine");

    finishUndone();

    assertThat(find(id).resolution()).isEqualTo("custom");
    assertThat(writes()).isEqualTo("2");
  }

  @Test
  void takesWhatJoinedAfterADecisionDied() {
    UUID id = differing(1);
    decideAndDieBeforeTheMark(id, of(Resolution.SOURCE));
    assertThat(emails()).isEqualTo("1 ours1");

    assertThat(
            log.join(
                List.of(
                    new Later(RowKey.of("1"), row(1, "later"), new SourcePosition(9000, 1, 0)))))
        .isEmpty();
    finishUndone();

    assertThat(emails()).isEqualTo("1 later");
    assertThat(find(id).status()).isEqualTo(ConflictStatus.RESOLVED);
  }

  @Test
  void marksAUniqueValuesDecisionThatDiedAfterTheTargetsCommit() {
    put(TARGET, 7, "shared");
    UUID id = conflict(ConflictType.UNIQUE_VIOLATION, 1, row(1, "shared"), row(7, "shared"));
    decideAndDieBeforeTheMark(id, of(Resolution.SOURCE));

    finishUndone();

    assertThat(emails()).isEqualTo("1 shared");
    assertThat(find(id).status()).isEqualTo(ConflictStatus.RESOLVED);
  }

  @Test
  void givesUpWhatNeverReachedTheTarget() {
    UUID id = differing(1);
    TestStack.execute(TARGET, "alter table users add constraint c check (email is null) not valid");
    TestStack.execute(TARGET, "alter table users rename column doc to gone");
    try {
      assertThat(decisions.decide(id, of(Resolution.SOURCE)).refusal()).isPresent();
    } finally {
      TestStack.execute(TARGET, "alter table users rename column gone to doc");
    }

    assertThat(store.undone(Instant.now().plusSeconds(60), 10)).isEmpty();
    assertThat(emails()).isEqualTo("1 theirs1");
  }
}

package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.Background;
import io.tidemark.TestStack;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.change.SourcePosition;
import io.tidemark.conflict.Conflict;
import io.tidemark.conflict.ConflictStatus;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.JdbcConflicts;
import io.tidemark.conflict.Later;
import io.tidemark.conflict.Place;
import io.tidemark.conflict.Resolution;
import io.tidemark.conflict.Verdict;
import io.tidemark.run.ConflictDecisions.Decision;
import io.tidemark.sync.FieldError;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Tag("engine")
final class ConflictDecisionsTest extends DecisionsFixture {
  @Test
  void writesTheSourcesRowAsOurOwn() {
    UUID id = differing(1);

    Conflict decided = done(id, of(Resolution.SOURCE));

    assertThat(emails()).isEqualTo("1 ours1");
    assertThat(origin()).startsWith("tidemark_");
    assertThat(decided.status()).isEqualTo(ConflictStatus.RESOLVED);
    assertThat(decided.resolution()).isEqualTo("source");
    assertThat(decided.resolvedBy()).isEqualTo("operator");
    assertThat(decided.note()).isEqualTo("seen");
    assertThat(decided.resolvedAt()).isNotNull();
    assertThat(log.waiting()).isEmpty();
  }

  @Test
  void leavesTheTargetsRowWhenItWins() {
    UUID id = differing(1);

    assertThat(done(id, of(Resolution.TARGET)).resolution()).isEqualTo("target");

    assertThat(emails()).isEqualTo("1 theirs1");
    assertThat(writes()).isEqualTo("1");
  }

  @Test
  void writesAPersonsRowAsSomebodyElses() {
    UUID id = differing(1);

    done(id, custom(Map.of("email", "mine", "n", "7.25")));

    assertThat(emails()).isEqualTo("1 mine");
    assertThat(origin()).isEmpty();
    assertThat(TestStack.text(TARGET, "select n || ' ' || f from users")).isEqualTo("7.25 1e+20");
  }

  @Test
  void deletesWhatTheSourceDeletedAndPutsWhatTheTargetLacks() {
    put(TARGET, 1, "theirs1");
    UUID deleted = conflict(ConflictType.DELETE_ORIGIN_DIFFERS, 1, null, row(1, "theirs1"));
    UUID missing = conflict(ConflictType.UPDATE_MISSING, 2, row(2, "ours2"), null);
    UUID gone = conflict(ConflictType.UPDATE_MISSING, 3, row(3, "ours3"), null);

    done(deleted, of(Resolution.SOURCE));
    done(missing, of(Resolution.SOURCE));
    done(gone, of(Resolution.TARGET));

    assertThat(emails()).isEqualTo("2 ours2");
  }

  @Test
  void readsAtTheSourceWhatTheStreamLeftOut() {
    put(SOURCE, 1, "newest");
    put(TARGET, 1, "theirs1");
    UUID id =
        conflict(
            ConflictType.UPDATE_ORIGIN_DIFFERS, 1, row(1, "ours1", Row.ABSENT), row(1, "theirs1"));

    done(id, of(Resolution.SOURCE));

    assertThat(emails()).isEqualTo("1 newest");
  }

  @Test
  void letsTheRowThatHoldsTheValueGiveWay() {
    put(TARGET, 7, "shared");
    UUID id = conflict(ConflictType.UNIQUE_VIOLATION, 1, row(1, "shared"), row(7, "shared"));
    UUID other = conflict(ConflictType.UNIQUE_VIOLATION, 2, row(2, "shared"), row(7, "shared"));

    done(id, of(Resolution.SOURCE));
    assertThat(emails()).isEqualTo("1 shared");

    assertThat(decisions.decide(other, of(Resolution.SOURCE)).orElseThrow(AssertionFailure::new))
        .isInstanceOf(Decided.Changed.class);
    assertThat(find(other).targetRow()).contains("\"id\": 1");
    done(other, of(Resolution.SOURCE));
    assertThat(emails()).isEqualTo("2 shared");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          update users set email = 'newer'                | newer
          update users set f = f * 2                      | f
          update users set n = null                       | n
          delete from users                               | null
          """)
  void refusesADecisionOnARowThatHasChangedSince(String change, String seen) {
    UUID id = differing(1);
    TestStack.execute(TARGET, change);
    String before = emails();

    for (Decision decision :
        List.of(of(Resolution.SOURCE), custom(Map.of("email", "x")), of(Resolution.TARGET))) {
      STORE.jdbi.useHandle(
          handle ->
              handle.execute(
                  "update sync_conflicts set target_row = target_row || '{\"email\": \"theirs1\","
                      + " \"n\": \"1.50\", \"f\": 1e20}' where target_row is not null"));
      Decided decided = decisions.decide(id, decision).orElseThrow(AssertionFailure::new);
      if (decided instanceof Decided.Done && change.startsWith("delete")) {
        // The fresh row of the first refusal is that there is none.
        return;
      }
      assertThat(decided).isInstanceOf(Decided.Changed.class);
      assertThat(String.valueOf(((Decided.Changed) decided).fresh().targetRow())).contains(seen);
      assertThat(emails()).isEqualTo(before);
      assertThat(find(id).status()).isEqualTo(ConflictStatus.PENDING);
    }

    done(id, of(Resolution.SOURCE));
    assertThat(emails()).isEqualTo("1 ours1");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "null",
      textBlock =
          """
          nonsense | x                     | INVALID
          id       | 2                     | INVALID
          id       | x                     | INVALID
          n        | abc                   | DATABASE
          n        | 99999.5               | DATABASE
          n        | 950                   | DATABASE
          paid     | null                  | DATABASE
          paid     | maybe                 | DATABASE
          email    | longer-than-20-letters| DATABASE
          email    | taken                 | DATABASE
          doc      | {                     | DATABASE
          at       | yesterday-ish         | DATABASE
          """)
  void namesTheColumnOfAPersonsRowThatCannotBe(
      String column, @Nullable String value, Refusal.Reason reason) {
    UUID id = differing(1);
    put(TARGET, 5, "taken");
    Row row = Row.of(RowShape.ofText(List.of(column)), value);

    Outcome<Decided> outcome =
        decisions.decide(id, new Decision(Resolution.CUSTOM, row, null, "operator"));

    Refusal refusal = outcome.refusal().orElseThrow();
    assertThat(refusal.reason()).isEqualTo(reason);
    assertThat(refusal.errors()).extracting(FieldError::field).containsExactly("row." + column);
    assertThat(refusal.detail()).doesNotContain("abc", "longer-than");
    assertThat(emails()).isEqualTo("1 theirs1, 5 taken");
    assertThat(find(id).status()).isEqualTo(ConflictStatus.PENDING);
    assertThat(store.undone(Instant.now().plusSeconds(60), 10)).isEmpty();
  }

  @Test
  void saysWhichConstraintKeepsTheSourcesRowOut() {
    UUID id = differing(1);
    put(TARGET, 5, "ours1");

    Refusal refusal = decisions.decide(id, of(Resolution.SOURCE)).refusal().orElseThrow();

    assertThat(refusal.detail()).contains("users_email_key").doesNotContain("ours1");
    assertThat(find(id).status()).isEqualTo(ConflictStatus.PENDING);
  }

  @Test
  void decidesOnce() {
    UUID id = differing(1);
    done(id, of(Resolution.SOURCE));

    assertThat(decisions.decide(id, of(Resolution.TARGET)).refusal().orElseThrow().reason())
        .isEqualTo(Refusal.Reason.STATE);
    assertThat(
            decisions
                .decide(UUID.randomUUID(), of(Resolution.TARGET))
                .refusal()
                .orElseThrow()
                .reason())
        .isEqualTo(Refusal.Reason.UNKNOWN);
  }

  @Test
  void losesNoChangeThatComesWhileADecisionIsMade() throws Exception {
    int keys = 8;
    int versions = 40;
    UUID[] ids = new UUID[keys];
    for (int key = 0; key < keys; key++) {
      ids[key] = differing(key);
    }

    CompletableFuture<Void> stream =
        CompletableFuture.runAsync(() -> stream(keys, versions), Background.THREADS);
    int decided = 0;
    for (UUID id : ids) {
      Outcome<Decided> outcome = decisions.decide(id, of(Resolution.SOURCE));
      decided += outcome.refusal().isEmpty() ? 1 : 0;
    }
    Await.result(stream);
    for (UUID id : ids) {
      if (find(id).status() == ConflictStatus.PENDING) {
        done(id, of(Resolution.SOURCE));
      }
    }

    assertThat(decided).isPositive();
    assertThat(TestStack.text(TARGET, "select min(email) || max(email) from users"))
        .isEqualTo("v" + versions + "-0v" + versions + "-7");
  }

  /** What an apply loop does: changes of keys that wait join, those of the others are written. */
  private void stream(int keys, int versions) {
    try (Connection connection = TARGET.open("stream");
        Statement statement = connection.createStatement()) {
      for (int version = 1; version <= versions; version++) {
        for (int key = 0; key < keys; key++) {
          String email = "v" + version + "-" + key;
          SourcePosition position = new SourcePosition(100_000L + version, key + 1, 0);
          Later later = new Later(RowKey.of(Integer.toString(key)), row(key, email), position);
          if (!log.join(List.of(later)).isEmpty()) {
            statement.execute("update users set email = '%s' where id = %d".formatted(email, key));
          }
        }
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void decidesManyAtOnceAndSaysWhyNotTheOthers() {
    TestStack.execute(
        TARGET,
        "insert into users (id, email) select i, 'theirs' || i from generate_series(1, 230) i");
    RowShape shape = RowShape.ofText(List.of("id", "email"));
    log.record(
        LongStream.rangeClosed(1, 230)
            .mapToObj(Long::toString)
            .map(
                id ->
                    new Detected(
                        ConflictType.INSERT_EXISTS,
                        Row.of(KEY, id),
                        new Place("t", 0, Long.parseLong(id)),
                        new SourcePosition(1, 1, 0),
                        row(Long.parseLong(id), "ours" + id),
                        Row.of(shape, id, "theirs" + id),
                        null,
                        List.of("email"),
                        Verdict.REVIEW))
            .toList());
    TestStack.execute(TARGET, "update users set email = 'changed' where id = 120");

    BulkDecision.Result result =
        new BulkDecision(conflicts, decisions, of(Resolution.SOURCE))
            .run(new JdbcConflicts.Filter(configuration, ConflictStatus.PENDING, null, null));

    assertThat(result.decided()).isEqualTo(229);
    assertThat(result.refusedCount()).isEqualTo(1);
    assertThat(result.refused()).hasSize(1);
    assertThat(TestStack.text(TARGET, "select count(*) from users where email like 'ours%'"))
        .isEqualTo("229");
  }

  @Test
  void keepsWhatWaitsAndDeletesWhatEndedLongAgo() {
    UUID waiting = differing(1);
    UUID ended = differing(2);
    UUID fresh = differing(3);
    done(ended, of(Resolution.TARGET));
    done(fresh, of(Resolution.TARGET));
    STORE.jdbi.useHandle(
        handle -> {
          handle.execute("update sync_conflicts set detected_at = now() - interval '99 days'");
          handle.execute(
              "update sync_conflicts set resolved_at = now() - interval '31 days' where id = ?",
              ended);
        });

    assertThat(conflicts.deleteExpired(10)).isEqualTo(1);

    assertThat(conflicts.find(waiting)).isPresent();
    assertThat(conflicts.find(ended)).isEmpty();
    assertThat(conflicts.find(fresh)).isPresent();
  }

  @Test
  void endsTheWaitOfWhatAFullCopyHasBrought() {
    UUID brought = differing(1);
    UUID later = differing(2);
    log.join(List.of(new Later(RowKey.of("2"), row(2, "later"), new SourcePosition(9000, 5, 0))));

    conflicts.supersedeCopied(configuration, "t", 0, new SourcePosition(9000, 4, 0));

    assertThat(find(brought).status()).isEqualTo(ConflictStatus.SUPERSEDED);
    assertThat(find(later).status()).isEqualTo(ConflictStatus.PENDING);
    assertThat(conflicts.pending(List.of(configuration))).containsEntry(configuration, 1L);
  }
}

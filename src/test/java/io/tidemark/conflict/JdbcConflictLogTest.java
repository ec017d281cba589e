package io.tidemark.conflict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tidemark.Await;
import io.tidemark.Background;
import io.tidemark.TestStack;
import io.tidemark.TestStore;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.ValueKind;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("database")
final class JdbcConflictLogTest {
  private static final TestStore STORE = new TestStore();
  private static final RowShape KEY = RowShape.of(List.of("id"), List.of(ValueKind.NUMBER));
  private static final RowShape SHAPE =
      RowShape.of(
          List.of("id", "name", "paid", "doc"),
          List.of(ValueKind.NUMBER, ValueKind.TEXT, ValueKind.BOOLEAN, ValueKind.TEXT));

  private final UUID configuration = STORE.configuration();
  private final JdbcConflictLog log = log(100_000);

  private JdbcConflictLog log(int waitingMax) {
    return new JdbcConflictLog(
        STORE.jdbi,
        new JdbcConflictLog.Owner(configuration, "public.b", ConflictResolution.MANUAL),
        waitingMax,
        Clock.systemUTC(),
        UUID::randomUUID);
  }

  private static Row row(String id, @Nullable String name, String paid, @Nullable String doc) {
    return Row.of(SHAPE, id, name, paid, doc);
  }

  private static Detected conflict(String id, long offset, Verdict verdict, @Nullable Row source) {
    return new Detected(
        ConflictType.UPDATE_ORIGIN_DIFFERS,
        Row.of(KEY, id),
        new Place("t", 0, offset),
        new SourcePosition(1000 + offset, 1, 0),
        source,
        row(id, "theirs", "f", null),
        null,
        List.of("name", "odd \"name\\"),
        verdict);
  }

  private static Detected conflict(String id, long offset, Verdict verdict) {
    return conflict(id, offset, verdict, row(id, "ours", "t", "{\"a\": 1}"));
  }

  private String value(String column) {
    return STORE.text(
        "select string_agg(coalesce((%s)::text, '-'), '|' order by key_values, \"offset\")"
                .formatted(column)
            + " from sync_conflicts where configuration_id = '%s'".formatted(configuration));
  }

  @Test
  void keepsBothRowsAndWhoDecided() {
    log.record(
        List.of(
            conflict("1", 5, Verdict.APPLY),
            conflict("2", 6, Verdict.KEEP),
            conflict("3", 7, Verdict.REVIEW, null)));

    assertThat(value("status")).isEqualTo("resolved|resolved|pending");
    assertThat(value("resolution")).isEqualTo("source|target|-");
    assertThat(value("resolved_by")).isEqualTo("strategy|strategy|-");
    assertThat(value("row_key")).isEqualTo("{\"id\": 1}|{\"id\": 2}|{\"id\": 3}");
    assertThat(value("source_row->>'doc'")).isEqualTo("{\"a\": 1}|{\"a\": 1}|-");
    assertThat(value("target_row->'paid'")).isEqualTo("false|false|false");
    assertThat(value("differing_columns->>1")).startsWith("odd \"name\\|");
    assertThat(value("source_position")).startsWith("0/3ED:1|");
    assertThat(log.waiting()).containsExactly(RowKey.of("3"));
  }

  @Test
  void writesARepetitionOnceAndNeverOverADecision() {
    log.record(List.of(conflict("1", 5, Verdict.REVIEW), conflict("2", 6, Verdict.APPLY)));
    log.record(List.of(conflict("1", 5, Verdict.REVIEW), conflict("2", 6, Verdict.KEEP)));
    assertThat(value("status")).isEqualTo("pending|resolved");
    assertThat(value("resolution")).isEqualTo("-|target");
    decide("1");

    log.record(List.of(conflict("1", 5, Verdict.REVIEW), conflict("1", 5, Verdict.APPLY)));

    assertThat(value("status")).isEqualTo("resolved|resolved");
    assertThat(value("resolved_by")).isEqualTo("api|strategy");
  }

  private void decide(String id) {
    decide(id, "target");
  }

  private void decide(String id, String resolution) {
    STORE.jdbi.useHandle(
        handle ->
            handle.execute(
                """
                update sync_conflicts
                set status = 'resolved', resolved_by = 'api', resolution = ?,
                    resolved_at = clock_timestamp()
                where configuration_id = ? and key_values = array[?]::text[]
                  and status = 'pending'
                """,
                resolution,
                configuration,
                id));
  }

  @Test
  void letsAKeyWaitOnce() {
    log.record(List.of(conflict("1", 5, Verdict.REVIEW), conflict("1", 6, Verdict.REVIEW)));
    log.record(List.of(conflict("1", 9, Verdict.REVIEW, row("1", "newer", "t", Row.ABSENT))));

    assertThat(value("status")).isEqualTo("pending");
    assertThat(value("source_row->>'name'")).isEqualTo("newer");
    assertThat(value("source_row->>'doc'")).isEqualTo("{\"a\": 1}");
  }

  @Test
  void endsTheWaitOfAKeyThatTheStrategyDecides() {
    log.record(List.of(conflict("1", 5, Verdict.REVIEW)));

    log.record(List.of(conflict("1", 8, Verdict.APPLY)));

    assertThat(value("status")).isEqualTo("superseded|resolved");
    assertThat(log.waiting()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"source", "custom"})
  void asksAgainWhereADecidedDifferenceIsFoundAnew(String decision) {
    log.record(List.of(difference(Verdict.REVIEW)));
    decide("1", decision);

    log.record(List.of(difference(Verdict.REVIEW)));
    log.record(List.of(difference(Verdict.REVIEW)));

    assertThat(value("status")).isEqualTo("resolved|pending");
    assertThat(value("resolution")).isEqualTo(decision + "|-");
    decide("1", decision);
    log.record(List.of(difference(Verdict.REVIEW)));
    assertThat(log.waiting()).containsExactly(RowKey.of("1"));
    assertThat(value("status")).isEqualTo("resolved|resolved|pending");
  }

  @Test
  void asksAgainWhereACopyHadEndedADifference() {
    log.record(List.of(difference(Verdict.REVIEW)));
    new JdbcConflicts(STORE.jdbi, ConflictSettings.DEFAULTS, Clock.systemUTC())
        .supersedeAll(configuration);

    log.record(List.of(difference(Verdict.REVIEW)));

    assertThat(value("status")).isEqualTo("superseded|pending");
  }

  @Test
  void doesNotAskAgainAboutARowThatAPersonLetStand() {
    log.record(List.of(difference(Verdict.REVIEW)));
    decide("1");

    log.record(List.of(difference(Verdict.REVIEW)));

    assertThat(value("status")).isEqualTo("resolved");
  }

  /** Two rows that a merge compares, always the same ones. */
  private static Detected difference(Verdict verdict) {
    return new Detected(
        ConflictType.MERGE_DIFFERS,
        Row.of(KEY, "1"),
        Place.ofComparison("t", 77),
        null,
        row("1", "ours", "t", null),
        row("1", "theirs", "f", null),
        null,
        List.of("name", "paid"),
        verdict);
  }

  @Test
  void joinsLaterChangesAndTellsWhichKeysWaitNoMore() {
    log.record(List.of(conflict("1", 5, Verdict.REVIEW), conflict("2", 6, Verdict.REVIEW)));
    decide("2");

    Set<RowKey> gone =
        log.join(
            List.of(later("1", row("1", null, "f", Row.ABSENT), 2000), later("2", null, 2000)));

    assertThat(gone).containsExactly(RowKey.of("2"));
    assertThat(value("source_row->>'doc'")).startsWith("{\"a\": 1}|");
    assertThat(value("source_row->'name'")).startsWith("null|");
    assertThat(value("source_position")).startsWith("0/7D0:1|");
    assertThat(log.join(List.of(later("1", null, 3000)))).isEmpty();
    assertThat(value("source_row")).startsWith("-|");
    assertThat(log.join(List.of(later("1", row("1", "back", "t", "x"), 4000)))).isEmpty();
    assertThat(value("source_row->>'name'")).startsWith("back|");
  }

  private static Later later(String id, @Nullable Row source, long commit) {
    return new Later(RowKey.of(id), source, new SourcePosition(commit, 1, 0));
  }

  @Test
  void neverReplacesANewerChangeByAnOlderOne() {
    log.record(List.of(conflict("1", 5, Verdict.REVIEW)));
    log.join(
        List.of(
            new Later(RowKey.of("1"), row("1", "new", "t", "x"), new SourcePosition(5000, 2, 1))));

    for (SourcePosition older :
        List.of(
            new SourcePosition(4999, 9, 0),
            new SourcePosition(5000, 1, 9),
            new SourcePosition(5000, 2, 0))) {
      assertThat(log.join(List.of(new Later(RowKey.of("1"), null, older)))).isEmpty();
    }
    log.record(List.of(conflict("1", 5, Verdict.REVIEW, null)));

    assertThat(value("source_row->>'name'")).isEqualTo("new");
    assertThat(value("source_position")).isEqualTo("0/1388:2+1");
  }

  @Test
  void waitsForADecisionThatIsBeingCarriedOut() throws Exception {
    log.record(List.of(conflict("1", 5, Verdict.REVIEW)));
    CompletableFuture<Set<RowKey>> joining;
    try (Connection decision = STORE.database.open("decision");
        Statement statement = decision.createStatement()) {
      decision.setAutoCommit(false);
      statement.execute(
          "update sync_conflicts set status = 'resolved' where configuration_id = '%s'"
              .formatted(configuration));
      joining =
          CompletableFuture.supplyAsync(
              () -> log.join(List.of(later("1", row("1", "late", "t", "x"), 9000))),
              Background.THREADS);
      awaitBlocked();
      assertThat(joining).isNotDone();
      decision.commit();
    }

    assertThat(Await.result(joining)).containsExactly(RowKey.of("1"));
    assertThat(value("source_row->>'name'")).isEqualTo("ours");
  }

  /** Asked over a session of its own: within one transaction the answer never changes. */
  private static void awaitBlocked() {
    String blocked =
        "select exists (select from pg_stat_activity"
            + " where wait_event_type = 'Lock' and datname = current_database())";
    Await.until(() -> STORE.text(blocked), "t"::equals);
  }

  @Test
  void refusesMoreThanMayWaitAndRecordsNoneOfThem() {
    JdbcConflictLog small = log(2);
    small.record(List.of(conflict("1", 1, Verdict.REVIEW), conflict("2", 2, Verdict.REVIEW)));
    small.record(List.of(conflict("3", 3, Verdict.APPLY)));

    assertThatThrownBy(() -> small.record(List.of(conflict("4", 4, Verdict.REVIEW))))
        .isInstanceOfSatisfying(
            OperatingFailure.class,
            failure -> assertThat(failure.code()).isEqualTo("too_many_conflicts"));
    assertThat(small.waiting()).hasSize(2);
    small.record(List.of(conflict("1", 9, Verdict.REVIEW)));
  }

  @Test
  void recordsAndJoinsThousandsAtOnce() {
    List<Detected> conflicts = new ArrayList<>();
    List<Later> changes = new ArrayList<>();
    for (int i = 0; i < 10_000; i++) {
      conflicts.add(conflict(Integer.toString(i), i, Verdict.REVIEW));
      changes.add(later(Integer.toString(i), row(Integer.toString(i), "l", "t", null), 99_999));
    }

    long started = System.nanoTime();
    log.record(conflicts);
    long recorded = System.nanoTime();
    log.record(conflicts);
    Set<RowKey> gone = log.join(changes);
    long joined = System.nanoTime();
    System.out.printf(
        "10 000 recorded in %d ms, again and joined in %d ms%n",
        (recorded - started) / 1_000_000, (joined - recorded) / 1_000_000);

    assertThat(gone).isEmpty();
    assertThat(log.waiting()).hasSize(10_000);
  }

  @Test
  void keepsAKeyOfSeveralColumns() {
    RowShape two = RowShape.ofText(List.of("a", "b"));
    Detected conflict =
        new Detected(
            ConflictType.UPDATE_MISSING,
            Row.of(two, "x", null),
            new Place("", 0, 1),
            null,
            Row.of(two, "x", null),
            null,
            null,
            List.of(),
            Verdict.REVIEW);
    log.record(List.of(conflict));

    assertThat(log.waiting()).containsExactly(RowKey.of("x", null));
    assertThat(
            log.join(List.of(new Later(RowKey.of("x", null), null, new SourcePosition(1, 1, 0)))))
        .isEmpty();
  }

  @Test
  void saysThatTheStoreIsGoneAsAnOperatingFailure() {
    TestStack.execute(STORE.database, "alter table sync_conflicts rename to elsewhere");
    try {
      assertThatThrownBy(() -> log.record(List.of(conflict("1", 5, Verdict.APPLY))))
          .isInstanceOf(OperatingFailure.class)
          .hasMessageContaining("sync_conflicts");
    } finally {
      TestStack.execute(STORE.database, "alter table elsewhere rename to sync_conflicts");
    }
  }
}

package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tidemark.TestStack;
import io.tidemark.TestStore;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.ValueKind;
import io.tidemark.conflict.Conflict;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictLog;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.ConflictSettings;
import io.tidemark.conflict.ConflictStatus;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.JdbcConflictLog;
import io.tidemark.conflict.JdbcConflicts;
import io.tidemark.conflict.JdbcDecisions;
import io.tidemark.conflict.JdbcDecisions.Intent;
import io.tidemark.conflict.Later;
import io.tidemark.conflict.Place;
import io.tidemark.conflict.Resolution;
import io.tidemark.conflict.Verdict;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgOrigins;
import io.tidemark.postgres.PgSession;
import io.tidemark.run.ConflictDecisions.Decision;
import io.tidemark.sync.ColumnSelection;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.FieldError;
import io.tidemark.sync.InitialSync;
import io.tidemark.sync.JdbcConnections;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.PgConnectionCheck;
import io.tidemark.sync.PgPreFlight;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SchemaEvolution;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.SyncStrategy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
final class ConflictDecisionsTest {
  private static final Clock CLOCK = Clock.systemUTC();
  private static final TestStore STORE = new TestStore();
  private static final PgDatabase SOURCE = TestStack.database("source");
  private static final PgDatabase TARGET = TestStack.database("target");
  private static final RowShape KEY = RowShape.of(List.of("id"), List.of(ValueKind.NUMBER));
  private static final RowShape SHAPE =
      RowShape.of(
          List.of("id", "email", "paid", "n", "f", "at", "doc"),
          List.of(
              ValueKind.NUMBER,
              ValueKind.TEXT,
              ValueKind.BOOLEAN,
              ValueKind.TEXT,
              ValueKind.NUMBER,
              ValueKind.TEXT,
              ValueKind.TEXT));
  private static final String TABLE =
      """
      drop table if exists users;
      create table users (
        id bigint primary key, email varchar(20) unique, paid boolean not null default false,
        n numeric(6, 2) constraint n_small check (n < 900), f double precision, at timestamptz,
        doc jsonb);
      """;

  private final JdbcSyncConfigurations configurations =
      new JdbcSyncConfigurations(STORE.jdbi, CLOCK, UUID::randomUUID);
  private final ConnectionRegistry connections =
      new ConnectionRegistry(
          Map.of("source", SOURCE, "target", TARGET),
          new JdbcConnections(STORE.jdbi, CLOCK),
          configurations,
          new PgConnectionCheck(CLOCK, name -> name),
          null);
  private final Acceptance acceptance = new Acceptance(connections, new PgPreFlight(name -> name));
  private final JdbcConflicts conflicts =
      new JdbcConflicts(STORE.jdbi, ConflictSettings.DEFAULTS, CLOCK);
  private final JdbcDecisions store = new JdbcDecisions(STORE.jdbi, CLOCK);
  private final ConflictDecisions decisions =
      new ConflictDecisions(
          conflicts, store, configurations, connections, acceptance, UUID::randomUUID);
  private UUID configuration = new UUID(0, 0);
  private ConflictLog log = ConflictLog.none();
  private long offset;

  @BeforeEach
  void tables() {
    TestStack.execute(SOURCE, TABLE);
    TestStack.execute(
        TARGET,
        TABLE
            + """
            drop table if exists written;
            create table written (id bigint);
            create or replace function note() returns trigger language plpgsql as $$
              begin insert into written values (new.id); return new; end $$;
            create trigger note after insert or update on users
              for each row execute function note();
            alter table users enable always trigger note;
            """);
    STORE.jdbi.useHandle(handle -> handle.execute("delete from sync_configurations"));
    configuration = configurations.create(definition()).orElseThrow().id();
    log =
        conflicts.log(
            new JdbcConflictLog.Owner(configuration, "public.users", ConflictResolution.MANUAL));
  }

  /** Origins are the whole server's, and there are not many. */
  @AfterEach
  void dropOrigins() {
    try (PgSession session =
        PgSession.open(TARGET, OperatingFailure.Kind.TARGET, "test", "origins")) {
      PgOrigins.drop(session, configuration);
    }
  }

  private static SyncDefinition definition() {
    return new SyncDefinition(
        "users",
        "users",
        "users",
        "source",
        "target",
        SyncStrategy.INCREMENTAL,
        ConflictResolution.MANUAL,
        ConflictDetection.AUTO,
        "at",
        List.of(),
        new ColumnSelection.All(),
        null,
        1000,
        null,
        false,
        DeleteHandling.APPLY,
        InitialSync.AUTO,
        false,
        false,
        SchemaEvolution.NONE,
        true);
  }

  private static Row row(long id, @Nullable String email) {
    return row(id, email, "{\"a\": 1}");
  }

  private static Row row(long id, @Nullable String email, @Nullable String doc) {
    String time = "2026-11-01 12:00:00+00";
    return Row.of(SHAPE, Long.toString(id), email, "t", "1.50", "1e+20", time, doc);
  }

  private static void put(PgDatabase database, long id, String email) {
    TestStack.execute(
        database,
        "insert into users values (%d, '%s', true, 1.5, 1e20, '2026-11-01 12:00:00+00', '{\"a\": 1}')"
            .formatted(id, email));
  }

  private UUID conflict(ConflictType type, long id, @Nullable Row source, @Nullable Row target) {
    log.record(
        List.of(
            new Detected(
                type,
                Row.of(KEY, Long.toString(id)),
                new Place("t", 0, ++offset),
                new SourcePosition(1000 + offset, 1, 0),
                source,
                target,
                null,
                List.of("email"),
                Verdict.REVIEW)));
    return UUID.fromString(
        STORE.text("select id from sync_conflicts where \"offset\" = " + offset));
  }

  /** A row that somebody else changed at the target. */
  private UUID differing(long id) {
    put(TARGET, id, "theirs" + id);
    return conflict(
        ConflictType.UPDATE_ORIGIN_DIFFERS, id, row(id, "ours" + id), row(id, "theirs" + id));
  }

  private static Decision of(Resolution resolution) {
    return new Decision(resolution, null, "seen", "operator");
  }

  private static Decision custom(Map<String, String> row) {
    List<String> columns = row.keySet().stream().sorted().toList();
    String[] values = columns.stream().map(row::get).toArray(String[]::new);
    return new Decision(
        Resolution.CUSTOM, Row.of(RowShape.ofText(columns), values), null, "operator");
  }

  private Conflict done(UUID id, Decision decision) {
    Decided decided = decisions.decide(id, decision).orElseThrow(AssertionFailure::new);
    assertThat(decided).isInstanceOf(Decided.Done.class);
    return ((Decided.Done) decided).conflict();
  }

  private static String emails() {
    return TestStack.text(
        TARGET,
        "select coalesce(string_agg(id || ' ' || coalesce(email, '-'), ', ' order by id), '')"
            + " from users");
  }

  private static String writes() {
    return TestStack.text(TARGET, "select count(*) from written");
  }

  private static String origin() {
    return TestStack.text(
        TARGET,
        "select coalesce((select roname from pg_replication_origin where roident ="
            + " (pg_xact_commit_timestamp_origin(users.xmin)).roident), '') from users");
  }

  private Conflict find(UUID id) {
    return conflicts.find(id).orElseThrow();
  }

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

  private static final class AssertionFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    AssertionFailure(Refusal refusal) {
      super(refusal.detail());
    }
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

  @Test
  void losesNoChangeThatComesWhileADecisionIsMade() throws Exception {
    int keys = 8;
    int versions = 40;
    UUID[] ids = new UUID[keys];
    for (int key = 0; key < keys; key++) {
      ids[key] = differing(key);
    }

    CompletableFuture<Void> stream = CompletableFuture.runAsync(() -> stream(keys, versions));
    int decided = 0;
    for (UUID id : ids) {
      Outcome<Decided> outcome = decisions.decide(id, of(Resolution.SOURCE));
      decided += outcome.refusal().isEmpty() ? 1 : 0;
    }
    stream.get(60, TimeUnit.SECONDS);
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

package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.TestStack;
import io.tidemark.TestStore;
import io.tidemark.change.Row;
import io.tidemark.change.RowShape;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.ValueKind;
import io.tidemark.conflict.Conflict;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictLog;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.ConflictSettings;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.JdbcConflictLog;
import io.tidemark.conflict.JdbcConflicts;
import io.tidemark.conflict.JdbcDecisions;
import io.tidemark.conflict.Place;
import io.tidemark.conflict.Resolution;
import io.tidemark.conflict.Verdict;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.run.ConflictDecisions.Decision;
import io.tidemark.sync.ColumnSelection;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.InitialSync;
import io.tidemark.sync.JdbcConnections;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.PgConnectionCheck;
import io.tidemark.sync.PgPreFlight;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SchemaEvolution;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.SyncStrategy;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Two databases with a table of users, a configuration of it, and what decides its conflicts. */
abstract class DecisionsFixture {
  static final Clock CLOCK = Clock.systemUTC();
  static final TestStore STORE = new TestStore();
  static final PgDatabase SOURCE = TestStack.database("source");
  static final PgDatabase TARGET = TestStack.database("target");
  static final RowShape KEY = RowShape.of(List.of("id"), List.of(ValueKind.NUMBER));
  static final RowShape SHAPE =
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
  static final String TABLE =
      """
      drop table if exists users;
      create table users (
        id bigint primary key, email varchar(20) unique, paid boolean not null default false,
        n numeric(6, 2) constraint n_small check (n < 900), f double precision, at timestamptz,
        doc jsonb);
      """;

  final JdbcSyncConfigurations configurations =
      new JdbcSyncConfigurations(STORE.jdbi, CLOCK, UUID::randomUUID);
  final ConnectionRegistry connections =
      new ConnectionRegistry(
          Map.of("source", SOURCE, "target", TARGET),
          new JdbcConnections(STORE.jdbi, CLOCK),
          configurations,
          new PgConnectionCheck(CLOCK, name -> name),
          null);
  final Acceptance acceptance = new Acceptance(connections, new PgPreFlight(name -> name));
  final JdbcConflicts conflicts = new JdbcConflicts(STORE.jdbi, ConflictSettings.DEFAULTS, CLOCK);
  final JdbcDecisions store = new JdbcDecisions(STORE.jdbi, CLOCK);
  final ConflictDecisions decisions =
      new ConflictDecisions(
          conflicts, store, configurations, connections, acceptance, UUID::randomUUID);
  UUID configuration = new UUID(0, 0);
  ConflictLog log = ConflictLog.none();
  long offset;

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
    TestStack.dropOrigins(TARGET, configuration);
  }

  static SyncDefinition definition() {
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

  static Row row(long id, @Nullable String email) {
    return row(id, email, "{\"a\": 1}");
  }

  static Row row(long id, @Nullable String email, @Nullable String doc) {
    String time = "2026-11-01 12:00:00+00";
    return Row.of(SHAPE, Long.toString(id), email, "t", "1.50", "1e+20", time, doc);
  }

  static void put(PgDatabase database, long id, String email) {
    TestStack.execute(
        database,
        "insert into users values (%d, '%s', true, 1.5, 1e20, '2026-11-01 12:00:00+00', '{\"a\": 1}')"
            .formatted(id, email));
  }

  UUID conflict(ConflictType type, long id, @Nullable Row source, @Nullable Row target) {
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
  UUID differing(long id) {
    put(TARGET, id, "theirs" + id);
    return conflict(
        ConflictType.UPDATE_ORIGIN_DIFFERS, id, row(id, "ours" + id), row(id, "theirs" + id));
  }

  static Decision of(Resolution resolution) {
    return new Decision(resolution, null, "seen", "operator");
  }

  static Decision custom(Map<String, String> row) {
    List<String> columns = row.keySet().stream().sorted().toList();
    String[] values = columns.stream().map(row::get).toArray(String[]::new);
    return new Decision(
        Resolution.CUSTOM, Row.of(RowShape.ofText(columns), values), null, "operator");
  }

  Conflict done(UUID id, Decision decision) {
    Decided decided = decisions.decide(id, decision).orElseThrow(AssertionFailure::new);
    assertThat(decided).isInstanceOf(Decided.Done.class);
    return ((Decided.Done) decided).conflict();
  }

  static String emails() {
    return TestStack.text(
        TARGET,
        "select coalesce(string_agg(id || ' ' || coalesce(email, '-'), ', ' order by id), '')"
            + " from users");
  }

  static String writes() {
    return TestStack.text(TARGET, "select count(*) from written");
  }

  static String origin() {
    return TestStack.text(
        TARGET,
        "select coalesce((select roname from pg_replication_origin where roident ="
            + " (pg_xact_commit_timestamp_origin(users.xmin)).roident), '') from users");
  }

  Conflict find(UUID id) {
    return conflicts.find(id).orElseThrow();
  }

  static final class AssertionFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    AssertionFailure(Refusal refusal) {
      super(refusal.detail());
    }
  }
}

package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgSession;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What others change at a source is seen, and tracking a table again repairs it. */
@Tag("oldest-postgres")
@Tag("engine")
class TrackedTablesTest {
  private static final TableName T = new TableName("public", "t");
  private static final TableName U = new TableName("public", "u");
  private static final TableName RENAMED = new TableName("other", "t2");
  private static final String CREATE = "create table t (id int primary key, code int, v int)";

  private CaptureFixture fixture;
  private ChangeTracker tracker;
  private String idOfT;
  private String idOfU;

  @BeforeEach
  void track() throws SQLException {
    fixture = new CaptureFixture();
    fixture.execute(CREATE, "create table u (id int primary key)", "create schema other");
    tracker = fixture.tracker();
    idOfU = tracker.ensureTracked(fixture.source, U, () -> true);
    idOfT = tracker.ensureTracked(fixture.source, T, () -> true);
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void tablesThatNobodyChangedHaveNoFault() throws SQLException {
    assertThat(fault(T, idOfT)).isEmpty();
    assertThat(tracker.ensureTracked(fixture.source, T, () -> true)).isEqualTo(idOfT);
    fixture.execute(
        "alter table t add w int default 5",
        "alter table t alter v type bigint",
        "create index on t (v)",
        "vacuum full t",
        "vacuum freeze pg_publication",
        "truncate t",
        "create table other.elsewhere (id int)",
        "alter publication " + publication() + " add table other.elsewhere");

    assertThat(fault(T, idOfT)).isEmpty();
    assertThat(tracker.ensureTracked(fixture.source, T, () -> true)).isEqualTo(idOfT);
  }

  /** Each of these also hides changes from the configurations of the same table alone. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "drop table t | was dropped",
        "drop table t; CREATE | was dropped and created again",
        "alter publication PUB drop table t | was removed from publication",
        "alter publication PUB drop table t; alter publication PUB add table t"
            + " | was removed from publication",
        "alter publication PUB set table t where (id > 5), u | row filter",
        "alter publication PUB set table t (id), u | column list",
        "alter publication PUB set table t where (id > 5), u;"
            + " alter publication PUB set table t, u | for a time",
        "alter table t rename to old; CREATE; drop table old | was dropped and created again",
        "begin; drop table t; CREATE; alter publication PUB add table t; commit"
            + " | was dropped and created again",
      })
  void changesOfOneTableMayBeMissing(String line) throws Exception {
    change(line);

    assertThat(missing(T, idOfT)).contains(expected(line));
    assertThat(fault(U, idOfU)).isEmpty();

    if (fixture.query("select to_regclass('t')").equals("null")) {
      fixture.execute(CREATE);
    }
    String again = tracker.ensureTracked(fixture.source, T, () -> true);
    assertThat(again).isNotEqualTo(idOfT);
    assertThat(fault(T, again)).isEmpty();
    assertThat(missing(T, idOfT)).contains("was interrupted since the last copy");
    assertThat(fault(U, idOfU)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "alter publication PUB set (publish = 'insert')"
            + " | does not publish updates, deletes, truncates",
        "alter publication PUB set (publish = 'insert, update, delete')"
            + " | does not publish truncates",
        "alter publication PUB set (publish_via_partition_root = false) | changes of partitions",
        "alter publication PUB set (publish = 'insert');"
            + " alter publication PUB set (publish = 'insert, update, delete, truncate')"
            + " | was altered",
        "drop publication PUB | was dropped",
        "drop publication PUB; create publication PUB for table t, u | is no longer in publication",
      })
  void changesOfAnyTableMayBeMissing(String line) throws Exception {
    change(line);

    assertThat(missing(T, idOfT)).contains(expected(line));
    assertThat(missing(U, idOfU)).contains(expected(line));

    String again = tracker.ensureTracked(fixture.source, T, () -> true);
    assertThat(again).isNotEqualTo(idOfT);
    assertThat(fault(T, again)).isEmpty();
    assertThat(missing(U, idOfU)).isNotEmpty();
    assertThat(fault(U, tracker.ensureTracked(fixture.source, U, () -> true))).isEmpty();
    assertThat(fault(T, again)).isEmpty();
  }

  @Test
  void whatIsTrackedAgainIsCaptured() throws Exception {
    tracker.start(fixture.source);
    change(
        "alter publication PUB set (publish = 'insert'); alter publication PUB drop table t; drop"
            + " table t; CREATE");
    tracker.ensureTracked(fixture.source, T, () -> true);

    fixture.execute("insert into t values (100)", "update t set v = 1", "delete from t");
    fixture.settle(tracker);

    assertThat(fixture.read(T).stream().map(one -> String.valueOf(one.change().op())))
        .containsExactly("c", "u", "d");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "alter table t rename to t2; alter table t2 set schema other",
        "alter schema public rename to kept; create schema public; alter table kept.t rename to t2;"
            + " alter table kept.t2 set schema other; drop schema public;"
            + " alter schema kept rename to public",
      })
  void aRenamedTableMissesNothing(String line) throws Exception {
    tracker.start(fixture.source);
    fixture.execute("insert into t values (1)");
    change(line);
    fixture.execute("insert into other.t2 values (2)");

    TrackingFault fault = fault(T, idOfT).orElseThrow();
    assertThat(fault.reason()).contains("public.t was renamed to other.t2");
    assertThat(fault.missesChanges()).isFalse();
    assertThat(fault.remedy()).isNotEmpty();

    fixture.execute("alter table other.t2 rename to t", "alter table other.t set schema public");
    fixture.execute("insert into t values (3)");
    assertThat(fault(T, idOfT)).isEmpty();
    assertThat(capturedKeys(T)).containsExactly("1", "2", "3");
  }

  @Test
  void changesFollowTheNameUnderWhichATableIsTrackedNow() throws Exception {
    tracker.start(fixture.source);
    fixture.execute("insert into t values (1)", "alter table t rename to t2");
    fixture.execute("alter table t2 set schema other", "insert into other.t2 values (2)");
    // What was not read when the name changed may be written under the new one.
    fixture.settle(tracker);
    tracker.ensureTracked(fixture.source, RENAMED, () -> true);
    fixture.execute("insert into other.t2 values (3)");

    assertThat(capturedKeys(T)).containsExactly("1", "2");
    assertThat(capturedKeys(RENAMED)).containsExactly("3");
    assertThat(missing(T, idOfT)).contains("is no longer in publication");
  }

  @Test
  void aTableThatTakesTheNameOfARenamedOneIsAnotherTable() throws Exception {
    tracker.start(fixture.source);
    fixture.execute("insert into t values (1)", "alter table t rename to old", CREATE);
    fixture.execute("insert into old values (2)", "insert into t values (3)");
    fixture.settle(tracker);

    assertThat(fault(T, idOfT).orElseThrow().reason()).contains("renamed to public.old");

    String again = tracker.ensureTracked(fixture.source, T, () -> true);
    fixture.execute("insert into old values (4)", "insert into t values (5)");
    assertThat(capturedKeys(T)).containsExactly("1", "2", "5");
    assertThat(missing(T, idOfT)).contains("was interrupted since the last copy");
    assertThat(fault(T, again)).isEmpty();
  }

  @Test
  void twoTablesThatSwapNamesKeepTheirTopics() throws Exception {
    tracker.start(fixture.source);
    fixture.execute(
        "alter table t rename to x; alter table u rename to t; alter table x rename to u",
        "insert into u values (1)",
        "insert into t values (2)");

    assertThat(fault(T, idOfT).orElseThrow().reason()).contains("renamed to public.u");
    assertThat(fault(U, idOfU).orElseThrow().reason()).contains("renamed to public.t");
    assertThat(capturedKeys(T)).containsExactly("1");
    assertThat(capturedKeys(U)).containsExactly("2");
  }

  @Test
  void theIdentityIsWhatTheLogHas() throws SQLException {
    assertThat(identity()).contains(Set.of("id"));
    fixture.execute(
        "alter table t alter code set not null",
        "create unique index by_code on t (code) include (id)",
        "alter table t replica identity using index by_code");
    assertThat(identity()).contains(Set.of("code"));
    fixture.execute("alter table t replica identity full");
    assertThat(identity()).isEmpty();
    fixture.execute("alter table t replica identity nothing");
    assertThat(identity()).contains(Set.of());
  }

  @Test
  void whatAnEarlierReleaseTracksGoesOn() throws SQLException {
    fixture.execute(
        "comment on publication "
            + publication()
            + " is E'tidemark, tracks: public.t\\x1Fpublic.u'");

    assertThat(fault(T, "")).isEmpty();
    String id = tracker.ensureTracked(fixture.source, T, () -> true);
    assertThat(id).isNotEmpty();
    assertThat(fault(T, id)).isEmpty();
    assertThat(fault(T, "")).isEmpty();
    change("alter publication PUB set (publish = 'insert')");
    assertThat(missing(U, "")).contains("does not publish updates");
  }

  private String publication() {
    return fixture.names().publication();
  }

  private void change(String line) throws SQLException {
    for (String sql : line.split("\\|")[0].split(";")) {
      fixture.execute(sql.strip().replace("PUB", publication()).replace("CREATE", CREATE));
    }
  }

  private static String expected(String line) {
    return line.split("\\|")[1].strip();
  }

  private TrackedTables look() {
    try (PgSession session =
        PgSession.open(fixture.source, OperatingFailure.Kind.SOURCE, "test", "source")) {
      return tracker.look(session, CaptureFixture.CONNECTION);
    }
  }

  private Optional<TrackingFault> fault(TableName table, String id) throws SQLException {
    return look().faultOf(table, id);
  }

  private Optional<Set<String>> identity() throws SQLException {
    return look().find(T).orElseThrow().identity();
  }

  private String missing(TableName table, String id) throws SQLException {
    return fault(table, id).filter(TrackingFault::missesChanges).orElseThrow().reason();
  }

  private List<String> capturedKeys(TableName table) throws Exception {
    fixture.settle(tracker);
    return fixture.read(table).stream().map(one -> one.key().value(0)).toList();
  }
}

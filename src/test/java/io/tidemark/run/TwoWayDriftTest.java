package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.PageRequest;
import io.tidemark.sync.SyncState;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One of two tables that both are written changes, and the other does not, or does later. */
@Tag("engine")
class TwoWayDriftTest {
  private final EngineFixture fixture = new EngineFixture();

  /** Which of the two changes. */
  enum Side {
    SOURCE,
    TARGET;

    Side other() {
      return this == SOURCE ? TARGET : SOURCE;
    }
  }

  private UUID configuration;

  @BeforeEach
  void stream() {
    on(Side.SOURCE, "create table t (id int primary key, v text, n int)");
    on(Side.TARGET, "create table t (id int primary key, v text, n int)");
    on(Side.SOURCE, "insert into t select i, 'v' || i, i from generate_series(1, 10) i");
    fixture.start();
    configuration = fixture.create("t", ", \"sync_strategy\": \"merge\", \"bidirectional\": true");
    fixture.awaitState(configuration, SyncState.STREAMING);
    fixture.awaitEqual("t");
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private PgDatabase database(Side side) {
    return side == Side.SOURCE ? fixture.source : fixture.target;
  }

  private void on(Side side, String sql) {
    TestStack.execute(database(side), sql);
  }

  private String ask(Side side, String sql) {
    return TestStack.text(database(side), sql);
  }

  private void awaitStopped(String... words) {
    Await.untilAsserted(
        () -> {
          var now = fixture.find(configuration).configuration();
          assertThat(now.state()).isEqualTo(SyncState.FAILED);
          assertThat(now.stateReason()).contains(words);
        });
  }

  /** It stays stopped, whatever it tries, and after a new start too. */
  private void requireStaysStopped(String... words) {
    fixture.start();
    awaitStopped(words);
  }

  private void requireNothingParked() {
    assertThat(
            EngineFixture.value(
                    fixture.service().parkedRows(configuration, new PageRequest(10, null)))
                .items())
        .isEmpty();
    assertThat(fixture.conflicts(configuration)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Side.class)
  @Tag("every-postgres")
  void aColumnThatIsDroppedAtOneSideStopsIt(Side side) {
    on(side, "alter table t drop column v");
    on(side, "update t set n = 100 where id = 1");
    on(side.other(), "update t set v = 'kept', n = 200 where id = 2");

    awaitStopped("'v'", "drop or rename");
    requireStaysStopped("'v'");
    assertThat(ask(side.other(), "select n from t where id = 1")).isEqualTo("1");
    assertThat(ask(side, "select n from t where id = 2")).isEqualTo("2");

    on(side.other(), "alter table t drop column v");

    fixture.awaitState(configuration, SyncState.STREAMING);
    fixture.awaitEqual("t");
    assertThat(ask(Side.TARGET, "select string_agg(n::text, ',' order by id) from t"))
        .startsWith("100,200,3");
    requireNothingParked();
  }

  @ParameterizedTest
  @EnumSource(Side.class)
  void aColumnThatIsRenamedGoesOnOnceItIsRenamedAtBoth(Side side) {
    on(side, "alter table t rename column v to w");
    on(side, "update t set w = 'renamed' where id = 1");

    awaitStopped("'v'", "drop or rename");
    on(side.other(), "alter table t rename column v to w");

    fixture.awaitState(configuration, SyncState.STREAMING);
    fixture.awaitEqual("t");
    assertThat(ask(side.other(), "select w from t where id = 1")).isEqualTo("renamed");
    requireNothingParked();
  }

  @ParameterizedTest
  @EnumSource(Side.class)
  void aTypeThatChangesAtOneSideStopsItBeforeARowIsRefused(Side side) {
    on(side, "alter table t alter column n type bigint");
    on(side, "insert into t values (11, 'large', 5000000000)");

    awaitStopped("'n'", "bigint");
    requireNothingParked();
    on(side.other(), "alter table t alter column n type bigint");

    fixture.awaitState(configuration, SyncState.STREAMING);
    fixture.awaitEqual("t");
    assertThat(ask(side.other(), "select n from t where id = 11")).isEqualTo("5000000000");
    requireNothingParked();
  }

  @Test
  void columnsThatAreAddedAtBothAreKeptInStep() {
    for (Side side : Side.values()) {
      on(side, "alter table t add column w text");
    }
    on(Side.SOURCE, "update t set w = 'from the source' where id = 1");
    on(Side.TARGET, "update t set w = 'from the target' where id = 2");

    fixture.awaitEqual("t");
    assertThat(Stream.of(Side.values()).map(side -> ask(side, "select string_agg(w, ',') from t")))
        .allMatch(
            List.of("from the source,from the target", "from the target,from the source")
                ::contains);
    requireNothingParked();
  }

  @Test
  void aColumnThatOneSideAddsForItselfIsItsOwn() {
    on(Side.TARGET, "alter table t add column note text default 'none'");
    on(Side.TARGET, "update t set n = 200 where id = 2");
    on(Side.SOURCE, "update t set n = 100 where id = 1");

    Await.until(
        () ->
            ask(Side.SOURCE, "select n from t where id = 2").equals("200")
                && ask(Side.TARGET, "select n from t where id = 1").equals("100"));
    requireNothingParked();
  }
}

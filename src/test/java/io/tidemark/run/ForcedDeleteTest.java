package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tidemark.TestStack;
import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.SyncState;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("engine")
class ForcedDeleteTest {
  private static final String TABLES =
      "create table t (id int primary key, v text); create table u (id int primary key, v text)";

  private static final String OURS =
      "select (select count(*) from pg_replication_slots where database = current_database())"
          + " + (select count(*) from pg_publication)";

  private final EngineFixture fixture = new EngineFixture();
  private UUID t;

  @BeforeEach
  void streaming() {
    TestStack.execute(fixture.source, TABLES);
    TestStack.execute(fixture.target, TABLES);
    TestStack.execute(fixture.source, "insert into t values (1, 'a')");
    fixture.start();
    t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void refusesWhileTheSourceIsAwayAndSaysHowToForceIt() {
    fixture.start(EngineFixture.DEAD, fixture.target);

    assertThatThrownBy(() -> fixture.service().delete(t, null))
        .isInstanceOfSatisfying(
            OperatingFailure.class,
            failure -> {
              assertThat(failure.kind()).isEqualTo(OperatingFailure.Kind.SOURCE);
              assertThat(failure.hint().orElseThrow()).contains("?force=true");
            });

    assertThat(fixture.find(t).configuration().id()).isEqualTo(t);
    assertThat(positions()).as("nothing was changed").isEqualTo("1");
  }

  private String positions() {
    return TestStack.text(fixture.target, "select count(*) from tidemark.applied_position");
  }

  @Test
  void saysWhatItLeavesAtTheSourceAndHowToRemoveIt() {
    fixture.start(EngineFixture.DEAD, fixture.target);

    List<LeftBehind> left = EngineFixture.value(fixture.service().deleteByForce(t, null));

    assertThat(fixture.service().find(t).refusal()).isPresent();
    assertThat(positions()).isEqualTo("0");
    assertThat(left).extracting(LeftBehind::connection).containsExactly("source");
    assertThat(TestStack.text(fixture.source, OURS)).isEqualTo("2");
    left.get(0).statements().forEach(sql -> TestStack.execute(fixture.source, sql));
    assertThat(TestStack.text(fixture.source, OURS)).isEqualTo("0");
  }

  @Test
  void startsAfreshOverWhatAForcedDeleteLeftBehind() {
    fixture.start(EngineFixture.DEAD, fixture.target);
    fixture.service().deleteByForce(t, null);
    TestStack.execute(fixture.source, "insert into t values (2, 'nobody sees it')");

    fixture.start();
    UUID again = fixture.create("t", "");
    fixture.awaitState(again, SyncState.STREAMING);
    TestStack.execute(fixture.source, "insert into t values (3, 'c')");

    fixture.awaitEqual("t");
  }

  @Test
  void startsAfreshAfterTheLeftoversWereRemovedByHand() {
    fixture.start(EngineFixture.DEAD, fixture.target);
    List<LeftBehind> left = EngineFixture.value(fixture.service().deleteByForce(t, null));
    left.get(0).statements().forEach(sql -> TestStack.execute(fixture.source, sql));

    fixture.start();
    UUID again = fixture.create("t", "");
    fixture.awaitState(again, SyncState.STREAMING);
    TestStack.execute(fixture.source, "insert into t values (3, 'c')");

    fixture.awaitEqual("t");
  }

  @Test
  void keepsTheCaptureThatOtherConfigurationsNeed() {
    UUID u = fixture.create("u", "");
    fixture.awaitState(u, SyncState.STREAMING);
    fixture.start(EngineFixture.DEAD, fixture.target);

    List<LeftBehind> left = EngineFixture.value(fixture.service().deleteByForce(t, null));
    fixture.start();
    TestStack.execute(fixture.source, "insert into u values (1, 'b')");

    fixture.awaitEqual("u");
    left.get(0).statements().forEach(sql -> TestStack.execute(fixture.source, sql));
    assertThat(
            TestStack.text(
                fixture.source, "select string_agg(tablename, ',') from pg_publication_tables"))
        .isEqualTo("u");
  }

  @Test
  void leavesThePositionInATargetThatIsAway() {
    PgDatabase away = new PgDatabase("target", EngineFixture.DEAD.url(), "nobody", null);
    fixture.start(fixture.source, away);

    List<LeftBehind> left = EngineFixture.value(fixture.service().delete(t, null));

    assertThat(left).extracting(LeftBehind::connection).containsExactly("target");
    assertThat(TestStack.text(fixture.source, OURS)).isEqualTo("0");
    assertThat(positions()).isEqualTo("1");
    left.get(0).statements().forEach(sql -> TestStack.execute(fixture.target, sql));
    assertThat(positions()).isEqualTo("0");
  }
}

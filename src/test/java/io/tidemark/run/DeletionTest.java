package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A configuration that is deleted leaves nothing behind, at any moment of its life. */
@Tag("engine")
class DeletionTest {
  private static final int ROUNDS = 8;
  private static final int ROUNDS_OF_SOAK = 200;
  private static final Duration LIFE_MAX = Duration.ofMillis(2500);

  private final EngineFixture fixture = new EngineFixture();
  private final SplittableRandom random = new SplittableRandom(22);
  private final List<UUID> made = new ArrayList<>();

  @BeforeEach
  void tables() {
    for (String table : List.of("t", "u")) {
      String create = "create table %s (id int primary key, v text)".formatted(table);
      TestStack.execute(
          fixture.source,
          create + "; insert into " + table + " select g from generate_series(1, 2000) g");
      TestStack.execute(fixture.target, create);
    }
    fixture.start();
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void oneInstance() {
    roundsOfLife(ROUNDS);
    assertNothingIsLeft();
  }

  @Test
  void twoInstances() {
    fixture.startAnother();
    roundsOfLife(ROUNDS);
    Await.untilAsserted(
        () -> {
          fixture.engine().sweepNow();
          assertNothingIsLeft();
        });
  }

  @Test
  @Tag("soak")
  void twoHundredDeletions() {
    roundsOfLife(ROUNDS_OF_SOAK / 2);
    assertNothingIsLeft();
    fixture.startAnother();
    roundsOfLife(ROUNDS_OF_SOAK / 2);
    Await.untilAsserted(
        () -> {
          fixture.engine().sweepNow();
          assertNothingIsLeft();
        });
  }

  /** The first copy of a deleted configuration is not repeated by another instance. */
  @Test
  void theTableOfAnotherConfigurationStaysCaptured() {
    UUID u = fixture.create("u", "");
    UUID t = fixture.create("t", "");
    fixture.awaitState(u, SyncState.STREAMING);
    delete(t);

    assertThat(
            TestStack.text(
                fixture.source, "select string_agg(tablename, ',') from pg_publication_tables"))
        .isEqualTo("u");
    TestStack.execute(fixture.source, "insert into u values (5000)");
    fixture.awaitEqual("u");
    fixture.awaitState(u, SyncState.STREAMING);
  }

  @Test
  void aDeletionThatLostItsProcessIsFinished() {
    UUID t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);
    fixture.stop();
    fixture.updateStore(
        "update sync_configurations set deleting = true, deleting_at = now() - interval '1 hour'");
    fixture.start();

    Await.until(() -> fixture.service().find(t).refusal().isPresent());
    assertNothingIsLeft();
  }

  @Test
  void whatATargetThatWasAwayKeptIsRemovedOnceItIsBack() {
    UUID t = fixture.create("t", "");
    made.add(t);
    fixture.awaitState(t, SyncState.STREAMING);
    fixture.start(fixture.source, EngineFixture.DEAD_TARGET);
    assertThat(EngineFixture.value(fixture.service().delete(t, null))).isNotEmpty();
    assertThat(positions()).isNotEqualTo("0");

    fixture.start();
    fixture.engine().sweepNow();
    assertNothingIsLeft();
  }

  @Test
  void aSlotThatNobodyHasIsNamed() {
    TestStack.execute(
        fixture.source,
        "select pg_create_logical_replication_slot('tidemark_gone_0123abcd', 'pgoutput')");

    fixture.engine().sweepNow();

    assertThat(fixture.engine().warnings())
        .singleElement()
        .asString()
        .contains("tidemark_gone_0123abcd")
        .contains("pg_drop_replication_slot");
  }

  private void roundsOfLife(int rounds) {
    for (int round = 0; round < rounds; round++) {
      UUID t = fixture.create("t", strategy());
      made.add(t);
      if (random.nextBoolean()) {
        UUID u = fixture.create("u", strategy());
        made.add(u);
        live();
        delete(u);
      }
      live();
      delete(t);
    }
  }

  private String strategy() {
    return switch (random.nextInt(3)) {
      case 0 -> "";
      case 1 -> ", \"sync_strategy\": \"merge\"";
      default -> ", \"sync_interval_seconds\": 1";
    };
  }

  /** A random moment: the deletion waits for nothing. */
  private void live() {
    LockSupport.parkNanos(random.nextLong(LIFE_MAX.toNanos()));
  }

  private void delete(UUID configuration) {
    assertThat(EngineFixture.value(fixture.service().delete(configuration, null))).isEmpty();
  }

  private void assertNothingIsLeft() {
    assertThat(
            TestStack.text(
                fixture.source,
                "select coalesce(string_agg(slot_name, ','), 'none') from pg_replication_slots"
                    + " where database = current_database()"))
        .isEqualTo("none");
    assertThat(
            TestStack.text(
                fixture.source,
                "select coalesce(string_agg(pubname, ','), 'none') from pg_publication"))
        .isEqualTo("none");
    assertThat(positions()).isEqualTo("0");
    for (UUID one : made) {
      assertThat(
              TestStack.text(
                  fixture.target,
                  "select count(*) from pg_replication_origin where roname like 'tidemark_"
                      + one.toString().replace("-", "")
                      + "%'"))
          .isEqualTo("0");
    }
  }

  private String positions() {
    return TestStack.text(fixture.target, "select count(*) from tidemark.applied_position");
  }
}

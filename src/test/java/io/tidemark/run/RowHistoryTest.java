package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.change.Change;
import io.tidemark.conflict.RowsJson;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SyncState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Why a row is as it is. */
@Tag("engine")
class RowHistoryTest {
  private EngineFixture fixture;

  @BeforeEach
  void start() {
    fixture = new EngineFixture();
    fixture.start();
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  private void onBoth(String sql) {
    TestStack.execute(fixture.source, sql);
    TestStack.execute(fixture.target, sql);
  }

  private UUID streaming(String table, String more) {
    UUID id = fixture.create(table, more);
    fixture.awaitState(id, SyncState.STREAMING);
    return id;
  }

  private Outcome<RowHistory> ask(UUID configuration, String key) {
    return ask(configuration, key, 50, null);
  }

  private Outcome<RowHistory> ask(
      UUID configuration, String key, int limit, @Nullable String cursor) {
    AskedKey asked =
        key.startsWith("{") ? new AskedKey.Named(RowsJson.row(key)) : new AskedKey.Plain(key);
    return fixture
        .service()
        .history(
            configuration,
            asked,
            limit,
            Optional.ofNullable(cursor).flatMap(HistoryCursor::parse).orElse(null));
  }

  private static List<String> ops(RowHistory history) {
    return history.changes().stream().map(one -> one.record().change().op()).toList();
  }

  @Test
  @Tag("oldest-postgres")
  void bothRowsAndTheChangesOfTheKeyNewestFirst() {
    onBoth("create table t (id bigint primary key, v text)");
    UUID id = streaming("t", "");
    TestStack.execute(
        fixture.source,
        """
        insert into t select n, 'a' from generate_series(1, 100) n;
        update t set v = 'b' where id = 7;
        update t set id = 700 where id = 8;
        delete from t where id = 9;
        """);
    fixture.awaitEqual("t");

    RowHistory seven = EngineFixture.value(ask(id, "7"));
    RowHistory eight = EngineFixture.value(ask(id, "{\"id\": 8}"));
    RowHistory moved = EngineFixture.value(ask(id, "700"));

    assertThat(seven.key()).isEqualTo("{\"id\":7}");
    assertThat(RowsJson.text(seven.source().row())).isEqualTo("{\"id\":7,\"v\":\"b\"}");
    assertThat(RowsJson.text(seven.target().row())).isEqualTo("{\"id\":7,\"v\":\"b\"}");
    assertThat(seven.differing()).isEmpty();
    assertThat(ops(seven)).containsExactly("u", "c");
    assertThat(seven.changes()).allMatch(one -> Boolean.TRUE.equals(one.applied()));
    assertThat(seven.next()).isNull();
    assertThat(eight.source().row()).isNull();
    assertThat(eight.target().row()).isNull();
    assertThat(eight.differing()).isNull();
    assertThat(ops(eight)).containsExactly("d", "c");
    assertThat(RowsJson.text(eight.changes().get(0).record().change().otherKey()))
        .isEqualTo("{\"id\":700}");
    assertThat(ops(moved)).containsExactly("c");
  }

  @Test
  @Tag("oldest-postgres")
  void saysWhoWroteTheTargetsRowAndWhatDiffers() {
    onBoth("create table t (id bigint primary key, n numeric, v text)");
    TestStack.execute(fixture.source, "insert into t values (0, 0, 'a')");
    UUID id = streaming("t", ", \"conflict_resolution\": \"manual\"");
    TestStack.execute(fixture.source, "insert into t values (1, 1.50, 'a'), (2, 1, 'a')");
    fixture.awaitEqual("t");
    RowHistory copied = EngineFixture.value(ask(id, "0"));
    TestStack.execute(fixture.target, "update t set v = 'theirs' where id = 1");
    TestStack.execute(fixture.source, "update t set v = 'ours', n = 2 where id = 1");
    Await.until(() -> fixture.conflicts(id).size() == 1);

    RowHistory one = EngineFixture.value(ask(id, "1"));
    RowHistory two = EngineFixture.value(ask(id, "2"));

    assertThat(copied.target().writtenBy()).isEqualTo(SideRow.Writer.BEFORE);
    assertThat(one.differing()).containsExactly("n", "v");
    assertThat(one.target().writtenBy()).isEqualTo(SideRow.Writer.OTHERS);
    assertThat(one.target().origin()).isNull();
    assertThat(one.conflicts()).hasSize(1);
    assertThat(two.target().writtenBy()).isEqualTo(SideRow.Writer.TIDEMARK);
    assertThat(two.target().origin()).startsWith("tidemark_");
    assertThat(two.target().writtenAt()).isNotNull();
    assertThat(two.conflicts()).isEmpty();
  }

  @Test
  void aKeyIsFoundHoweverItIsWritten() {
    onBoth("create table t (a numeric, \"b c\" text, primary key (a, \"b c\"))");
    UUID id = streaming("t", "");
    TestStack.execute(fixture.source, "insert into t values (1.50, 'x'), (2, 'x')");
    fixture.awaitEqual("t");

    RowHistory found = EngineFixture.value(ask(id, "{\"b c\": \"x\", \"a\": 1.5}"));

    // The changes are found by the text that the row's key has, whatever was asked with.
    assertThat(found.source().row()).isNotNull();
    assertThat(ops(found)).containsExactly("c");
  }

  @Test
  void theSourcesRowIsShownThoughTheFilterLeavesItOut() {
    onBoth("create table t (id bigint primary key, v text)");
    UUID id = streaming("t", ", \"row_filter\": \"v <> 'no'\"");
    TestStack.execute(fixture.source, "insert into t values (1, 'no'), (2, 'yes')");
    Await.until(() -> TestStack.text(fixture.target, "select count(*) from t").equals("1"));

    RowHistory out = EngineFixture.value(ask(id, "1"));
    RowHistory in = EngineFixture.value(ask(id, "2"));

    assertThat(out.source().row()).isNotNull();
    assertThat(out.source().inFilter()).isFalse();
    assertThat(out.target().row()).isNull();
    assertThat(in.source().inFilter()).isTrue();
  }

  @Test
  void aLongHistoryComesInPagesAndIsWhole() {
    onBoth("create table t (id bigint primary key, v int)");
    UUID id = streaming("t", "");
    TestStack.execute(fixture.source, "insert into t values (1, 0), (2, 0), (3, 0)");
    for (int i = 1; i <= 25; i++) {
      TestStack.execute(fixture.source, "update t set v = v + 1");
    }
    TestStack.execute(fixture.source, "truncate t");
    fixture.awaitEqual("t");

    List<String> values = new ArrayList<>();
    String cursor = null;
    int pages = 0;
    do {
      RowHistory page = EngineFixture.value(ask(id, "2", 10, cursor));
      page.changes().stream()
          .map(one -> one.record().change())
          .filter(change -> !(change instanceof Change.Truncate))
          .forEach(change -> values.add(change.imageAfter().value(1)));
      cursor = page.next();
      pages++;
    } while (cursor != null);

    assertThat(pages).isBetween(3, 4);
    assertThat(values).hasSize(26);
    assertThat(values.get(0)).isEqualTo("25");
    assertThat(values.get(25)).isEqualTo("0");
  }

  @Test
  void theChangesOfBothDirectionsAreInOneOrder() {
    onBoth("create table t (id bigint primary key, v text)");
    UUID id = streaming("t", ", \"sync_strategy\": \"merge\", \"bidirectional\": true");
    TestStack.execute(fixture.source, "insert into t values (1, 'there')");
    fixture.awaitEqual("t");
    TestStack.execute(fixture.target, "update t set v = 'here' where id = 1");
    fixture.awaitEqual("t");

    RowHistory history = EngineFixture.value(ask(id, "1"));

    // What the loop writes carries its origin, and comes through the other side's topic too.
    assertThat(
            history.changes().stream()
                .filter(one -> one.record().change().source().origin() == null)
                .map(one -> one.record().change().source().connection()))
        .containsExactly("target", "source");
  }

  @Test
  void aKeyThatIsNoneIsRefused() {
    onBoth("create table t (id bigint primary key, v text)");
    UUID id = streaming("t", "");

    assertThat(refusal(ask(id, "seven")).detail()).contains("id bigint");
    assertThat(refusal(ask(id, "99999999999999999999")).reason()).isEqualTo(Refusal.Reason.INVALID);
    assertThat(refusal(ask(id, "{\"v\": 1}")).detail()).contains("each of id");
    assertThat(refusal(ask(id, "{\"id\": null}")).detail()).contains("null");
    assertThat(refusal(ask(UUID.randomUUID(), "1")).reason()).isEqualTo(Refusal.Reason.UNKNOWN);
  }

  private static Refusal refusal(Outcome<RowHistory> outcome) {
    return outcome.refusal().orElseThrow();
  }

  @Test
  void aTableThatNeedsNoTopicHasNoChanges() {
    onBoth("create table t (id bigint primary key, v text); insert into t values (1, 'a')");
    UUID id = fixture.create("t", ", \"sync_strategy\": \"full\"");

    RowHistory history = EngineFixture.value(ask(id, "1"));

    assertThat(history.changes()).isEmpty();
    assertThat(history.next()).isNull();
    assertThat(history.differing()).isEmpty();
  }
}

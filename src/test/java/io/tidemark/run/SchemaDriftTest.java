package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncDefinitionJson;
import io.tidemark.sync.SyncState;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Source tables whose columns change while changes flow. */
@Tag("engine")
class SchemaDriftTest {
  private static final String TABLE =
      "create table t (id int primary key, a text, n int, c varchar(10));";

  private EngineFixture fixture = new EngineFixture();

  private UUID t;

  @BeforeEach
  void streaming() {
    TestStack.execute(
        fixture.source,
        TABLE + "insert into t select i, 'a' || i, i, 'c' || i from generate_series(1, 20) i");
    TestStack.execute(fixture.target, TABLE);
    fixture.start();
    t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private void change(String sql) {
    TestStack.execute(fixture.source, sql);
  }

  private void repair(String sql) {
    TestStack.execute(fixture.target, sql);
  }

  private String atTarget(String sql) {
    return TestStack.text(fixture.target, sql);
  }

  /** The stream stands still, and says what it is about. */
  private void awaitStopped(String... said) {
    Await.untilAsserted(
        () -> {
          assertThat(fixture.find(t).configuration().state()).isEqualTo(SyncState.FAILED);
          assertThat(fixture.find(t).configuration().stateReason()).contains(said);
        });
  }

  private void awaitRepaired() {
    fixture.awaitState(t, SyncState.STREAMING);
    fixture.awaitEqual("t");
    change("insert into t (id, a) values (1000000, 'flows')");
    fixture.awaitEqual("t");
    assertThat(fixture.find(t).rowsParked()).isZero();
  }

  /** How the process ends between the change of the schema and the repair. */
  private void restart(boolean restarts) {
    if (restarts) {
      fixture.start();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aDroppedColumnStopsTheStreamUntilTheTargetHasDroppedItToo(boolean restarts) {
    change(
        "update t set c = 'last' where id = 2; alter table t drop column c;"
            + " insert into t values (100, 'new', 1)");

    awaitStopped("'c'", "public.t", "dropped or renamed");
    restart(restarts);
    awaitStopped("'c'", "public.t", "dropped or renamed");
    assertThat(atTarget("select c from t where id = 2")).isEqualTo("last");
    assertThat(atTarget("select count(*) from t where id = 100")).isEqualTo("0");
    repair("alter table t drop column c");

    awaitRepaired();
  }

  /** What was written under the old name must arrive under it, whenever the process looks. */
  @Test
  void aRenamedColumnKeepsEachValue() {
    fixture.service().pause(t);
    change(
        "update t set c = 'old' where id = 2; alter table t rename column c to d;"
            + " update t set d = 'new' where id = 3");
    fixture.awaitCaptured();
    fixture.start();
    fixture.service().resume(t);

    awaitStopped("'c'", "dropped or renamed");
    assertThat(atTarget("select c from t where id = 2")).isEqualTo("old");
    assertThat(atTarget("select c from t where id = 3")).isEqualTo("c3");
    repair("alter table t rename column c to d");

    awaitRepaired();
  }

  @Test
  void aColumnMayBeLeftOutInstead() throws JsonProcessingException {
    change("alter table t drop column c; update t set a = 'after' where id = 2");
    awaitStopped("'c'");

    patch("{\"columns\": [\"id\", \"a\", \"n\"]}");

    Await.until(() -> atTarget("select a || c from t where id = 2").equals("afterc2"));
    fixture.awaitState(t, SyncState.STREAMING);
  }

  private void patch(String fields) throws JsonProcessingException {
    ObjectNode more = (ObjectNode) new ObjectMapper().readTree(fields);
    EngineFixture.value(
        fixture
            .service()
            .change(
                t,
                null,
                definition -> {
                  ObjectNode document = SyncDefinitionJson.write(definition);
                  document.setAll(more);
                  return SyncDefinitionJson.read(document);
                }));
  }

  @Test
  void aFullSyncGoesOnWithoutTheColumn() {
    change("alter table t drop column c; update t set a = 'after' where id = 2");
    awaitStopped("'c'");

    Execution full =
        EngineFixture.value(
            fixture.service().execute(t, ExecutionMode.FULL, ExecutionTrigger.MANUAL));
    fixture.awaitCompleted(full.id());

    fixture.awaitState(t, SyncState.STREAMING);
    change("update t set a = 'flows' where id = 3");
    Await.until(() -> atTarget("select a || c from t where id = 3").equals("flowsc3"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"n type numeric(12, 2)", "c type varchar(20)"})
  void aChangedTypeStopsTheStreamUntilTheTargetHasItToo(String change) {
    change(
        "alter table t alter column %s; insert into t values (100, 'new', 2000000000, 'eleven char')"
            .formatted(change)
            .replace("eleven char", change.startsWith("c") ? "eleven char" : "ten"));

    awaitStopped("'" + change.charAt(0) + "'", "alter table public.t alter column");
    assertThat(atTarget("select count(*) from t where id = 100")).isEqualTo("0");
    repair("alter table t alter column " + change);

    awaitRepaired();
  }

  @Test
  void aTypeThatTheTargetTakesAnywayStopsNothing() {
    repair("alter table t alter column n type int8, alter column c type text");
    change(
        "update t set a = 'x' where id = 2; alter table t alter column c type varchar(20);"
            + " insert into t values (100, 'new', 1, 'eleven char')");
    fixture.awaitEqual("t");

    change(
        "alter table t alter column n type int8; insert into t values (101, 'new', 1::int8 << 40)");

    fixture.awaitEqual("t");
    assertThat(fixture.find(t).configuration().state()).isEqualTo(SyncState.STREAMING);
  }

  @Test
  void anAddedColumnIsLeftOutUntilTheTargetHasIt() {
    change("alter table t add column e int default 7; insert into t values (100, 'n', 1, 'c', 8)");
    Await.until(() -> atTarget("select count(*) from t where id = 100").equals("1"));

    repair("alter table t add column e int default 7");
    Execution full =
        EngineFixture.value(
            fixture.service().execute(t, ExecutionMode.FULL, ExecutionTrigger.MANUAL));
    fixture.awaitCompleted(full.id());
    change("update t set e = 9 where id = 3");

    fixture.awaitEqual("t");
  }

  @Test
  void columnsThatComeAndGoWithinATransactionStopNothing() {
    change(
        "begin; alter table t add column e int; update t set e = 1, a = 'e' where id = 2;"
            + " alter table t drop column e; update t set a = 'later' where id = 3; commit");

    awaitRepaired();
  }

  @Test
  void anotherKeyStopsTheStream() {
    change(
        "alter table t drop constraint t_pkey, add primary key (id, a);"
            + " insert into t values (1, 'another', 1, 'c')");
    awaitStopped("(id, a)", "the key of public.t");
    assertThat(atTarget("select a from t where id = 1")).isEqualTo("a1");

    repair("alter table t drop constraint t_pkey, add primary key (id, a)");
    Execution full =
        EngineFixture.value(
            fixture.service().execute(t, ExecutionMode.FULL, ExecutionTrigger.MANUAL));
    fixture.awaitCompleted(full.id());

    awaitRepaired();
  }

  @Test
  void aColumnThatTheTargetLosesStopsTheStreamUntilItIsBack() {
    repair("alter table t drop column c");
    change("update t set c = 'kept' where id = 2");
    awaitStopped("c");

    repair("alter table t add column c varchar(10)");
    Execution full =
        EngineFixture.value(
            fixture.service().execute(t, ExecutionMode.FULL, ExecutionTrigger.MANUAL));
    fixture.awaitCompleted(full.id());

    awaitRepaired();
  }

  private void evolve() throws JsonProcessingException {
    patch("{\"schema_evolution\": \"add_columns\"}");
    fixture.awaitState(t, SyncState.STREAMING);
  }

  /** With values for rows that were there, without, of a type that needs quotes, and gone again. */
  @Test
  void newColumnsReachTheTargetInStepWithTheirRows() throws JsonProcessingException {
    evolve();
    fixture.service().pause(t);
    change(
        "update t set a = 'before' where id = 2;"
            + " alter table t add column \"E e\" int not null default 7, add column f text[];"
            + " update t set f = '{x,\"y z\"}' where id = 3;"
            + " alter table t add column g text default 'it''s \\ odd', add column h date;"
            + " insert into t values (100, 'new', 1, 'c', 8, '{}', 'g', '2024-01-01')");
    fixture.awaitCaptured();
    fixture.start();
    fixture.service().resume(t);

    awaitRepaired();
    assertThat(atTarget("select \"E e\" from t where id = 5")).isEqualTo("7");
    change("alter table t add column gone int; update t set gone = 1 where id = 4");
    fixture.awaitEqual("t");
  }

  @Test
  void aNewColumnWithValuesOfItsOwnWaitsForAFullSync() throws JsonProcessingException {
    evolve();
    change(
        "alter table t add column e double precision default random();"
            + " insert into t values (100, 'new', 1, 'c')");
    awaitStopped("'e'", "run a full sync");
    assertThat(atTarget("select count(*) from t where id = 100")).isEqualTo("0");

    Execution full =
        EngineFixture.value(
            fixture.service().execute(t, ExecutionMode.FULL, ExecutionTrigger.MANUAL));
    fixture.awaitCompleted(full.id());

    awaitRepaired();
  }

  @Test
  void aFullSyncWithoutCaptureAddsColumnsToo() {
    change("create table plain as table t; alter table plain add primary key (id)");
    repair("create table plain (id int primary key)");
    UUID plain =
        fixture.create(
            "plain", ", \"sync_strategy\": \"full\", \"schema_evolution\": \"add_columns\"");
    Execution full =
        EngineFixture.value(
            fixture.service().execute(plain, ExecutionMode.FULL, ExecutionTrigger.MANUAL));

    fixture.awaitCompleted(full.id());
    fixture.awaitEqual("plain");
  }

  @Test
  void aNewLabelOfAnEnumStopsTheStreamUntilTheTargetHasIt() throws JsonProcessingException {
    String mood = "create type mood as enum ('well', 'ill')";
    repair(mood);
    change(mood);
    evolve();
    change("alter table t add column m mood[]; update t set m = '{ill}' where id = 2");
    fixture.awaitEqual("t");
    change("alter type mood add value 'odd'");
    change("insert into t values (100, 'new', 1, 'c', '{well,odd}')");
    awaitStopped("enum", "alter type");

    repair("alter type mood add value 'odd'");

    awaitRepaired();
  }

  /**
   * The rows of the copy are of the table before, the changes that follow them of the one after.
   */
  @Test
  void aColumnThatIsDroppedDuringACopyIsNoticed() throws SQLException {
    Execution full;
    try (Connection blocker = fixture.target.open("blocker");
        Statement statement = blocker.createStatement()) {
      blocker.setAutoCommit(false);
      statement.execute("lock table t in share mode");
      full =
          EngineFixture.value(
              fixture.service().execute(t, ExecutionMode.FULL, ExecutionTrigger.MANUAL));
      Await.until(() -> fixture.execution(full.id()).counts().rowsRead(), read -> read == 20);
      change("alter table t drop column c; update t set a = 'after' where id <= 5");
      assertThat(fixture.execution(full.id()).status().isFinal()).isFalse();
      blocker.rollback();
    }
    Await.until(() -> fixture.execution(full.id()).status().isFinal());

    awaitStopped("'c'", "dropped or renamed");
    assertThat(atTarget("select count(*) from t where a = 'after'")).isEqualTo("0");
    repair("alter table t drop column c");

    awaitRepaired();
  }

  /** One partition is read to its end before the other one. */
  @Test
  void partitionsNeedNotReachTheChangeTogether() throws JsonProcessingException {
    fixture.close();
    fixture = new EngineFixture(2);
    streaming();
    evolve();
    fixture.service().pause(t);
    change("insert into t select i, 'a', i, 'c' from generate_series(1000, 3000) i");
    change(
        "alter table t alter column n type int8; alter table t add column e int default 7;"
            + " insert into t select i, 'a', i, 'c', i from generate_series(4000, 6000) i;"
            + " update t set e = 8 where id < 100");
    repair("alter table t alter column n type int8");
    fixture.awaitCaptured();
    fixture.service().resume(t);

    awaitRepaired();
  }

  /**
   * The values of before the renaming come after the target's column was renamed as well: in either
   * partition, so that it does not matter which is read first.
   */
  @Test
  void valuesOfBeforeARenamingNeedAFullSyncOnceTheTargetIsRenamedAndSaySo() {
    fixture.close();
    fixture = new EngineFixture(2);
    streaming();
    change("insert into t select i, 'a', i, 'c' from generate_series(1000, 3000) i");
    fixture.awaitEqual("t");
    fixture.service().pause(t);
    change("update t set c = 'before'; alter table t rename column c to d");
    change("update t set d = 'after' where id > 2000");
    fixture.awaitCaptured();
    repair("alter table t rename column c to d");
    fixture.service().resume(t);
    awaitStopped("'c'", "full sync");

    fixture.awaitCompleted(
        EngineFixture.value(
                fixture.service().execute(t, ExecutionMode.FULL, ExecutionTrigger.MANUAL))
            .id());

    awaitRepaired();
  }
}

package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tidemark.Await;
import io.tidemark.Background;
import io.tidemark.TestStack;
import io.tidemark.change.Change;
import io.tidemark.change.ChangeSource;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.TableName;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.MemoryConflictLog;
import io.tidemark.postgres.PgCatalog;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.TableShape;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("oldest-postgres")
@Tag("database")
final class JdbcApplierTest {
  private static final TableName TABLE = new TableName("Odd \"Schema", "Odd Table");
  private static final PositionBasis BASIS = new PositionBasis("t-1", TABLE);
  private static final String NAME = "\"Odd \"\"Schema\".\"Odd Table\"";
  private static final RowShape SHAPE =
      RowShape.ofText(List.of("Key 1", "k2", "email", "n", "doc"));
  private static final RowShape KEY = RowShape.ofText(List.of("Key 1", "k2"));
  private static final String TOPIC = "t";

  private final PgDatabase target = TestStack.database("target");
  private final UUID configuration = UUID.randomUUID();
  private final MemoryParkedRows parked = new MemoryParkedRows();
  private final MemoryConflictLog conflicts = new MemoryConflictLog();
  private final Map<RowKey, Row> newest = new HashMap<>();
  private final List<TopicChange> changes = new ArrayList<>();
  private AppliedPosition at = new AppliedPosition(TOPIC, 0, 0, SourcePosition.START, 0);
  private JdbcApplier applier;
  private Connection connection;
  private long offset;

  @BeforeEach
  void openApplier() throws SQLException {
    TestStack.execute(
        target,
        """
        create schema "Odd ""Schema";
        create table "Odd ""Schema"."Odd Table" (
          "Key 1" bigint, k2 varchar(5), email text unique, n numeric(6, 2) check (n < 1000),
          doc jsonb, extra text default 'kept',
          primary key ("Key 1", k2));
        """);
    connection = target.open("test");
    JdbcPositions.ensureTable(connection);
    JdbcPositions positions = new JdbcPositions(configuration);
    positions.set(connection, at, BASIS);
    at = positions.find(connection, TOPIC, 0).orElseThrow();
    applier =
        new JdbcApplier(
            connection,
            configuration,
            mapping(connection),
            DeleteHandling.APPLY,
            new ConflictPolicy(
                ConflictResolution.SOURCE_WINS, ConflictDetection.ORIGIN, null, false),
            positions,
            new ApplyPorts(parked, conflicts, keys -> newest));
    applier.renew(TOPIC);
  }

  @AfterEach
  void closeApplier() throws SQLException {
    applier.close();
    TestStack.dropOrigins(target, configuration);
  }

  @Test
  void writesInsertsUpdatesAndDeletesAndCountsThem() throws SQLException {
    insert("1", "a", "a@x", "1.50", "{\"b\": 1}");
    insert("2", "b", null, "2", null);
    assertThat(apply()).isEqualTo(RowCounts.written(2, 0, 0));

    update("1", "a", "a@y", "1.5", "{}");
    delete("2", "b");
    insert("3", "c", "a@x", null, "[1, 2]");

    assertThat(apply()).isEqualTo(RowCounts.written(1, 1, 1));
    assertThat(rows()).isEqualTo("1,a,a@y,1.50,{},kept|3,c,a@x,,[1, 2],kept");
  }

  /** Whoever asks the target when a row was written is told the truth. */
  @Test
  void givesEachCommitItsOwnTime() throws SQLException {
    insert("1", "a", "a@x", "1", null);
    apply();
    String between = TestStack.text(target, "select clock_timestamp()::text");
    insert("2", "b", "b@x", "2", null);
    apply();

    assertThat(
            TestStack.text(
                target,
                """
                select string_agg((pg_xact_commit_timestamp(xmin) > '%s')::text, ','
                                  order by "Key 1")
                from %s
                """
                    .formatted(between, NAME)))
        .isEqualTo("false,true");
  }

  @Test
  void leavesTheTargetsValueWhereTheSourceSentNone() throws SQLException {
    insert("1", "a", "a@x", "1", "{\"large\": true}");
    apply();

    update("1", "a", "b@x", "2", Row.ABSENT);

    assertThat(apply()).isEqualTo(RowCounts.written(0, 1, 0));
    assertThat(rows()).isEqualTo("1,a,b@x,2.00,{\"large\": true},kept");
  }

  @Test
  void changesTheKeyOfTheVeryRow() throws SQLException {
    insert("1", "a", "a@x", "1", "{\"large\": true}");
    apply();
    TestStack.execute(target, "update " + NAME + " set extra = 'mine'");

    move("1", "a", "7", "z", "a@x", "1", Row.ABSENT);

    apply();
    assertThat(rows()).isEqualTo("7,z,a@x,1.00,{\"large\": true},mine");
  }

  @Test
  void swapsTwoKeysInOneBatch() throws SQLException {
    insert("1", "a", "a@x", "1", null);
    insert("2", "a", "b@x", "2", null);
    apply();

    move("1", "a", "-1", "a", "a@x", "1", null);
    move("2", "a", "1", "a", "b@x", "2", null);
    move("-1", "a", "2", "a", "a@x", "1", null);

    apply();
    assertThat(rows()).isEqualTo("1,a,b@x,2.00,,kept|2,a,a@x,1.00,,kept");
  }

  @Test
  void truncatesInItsPlace() throws SQLException {
    insert("1", "a", null, "1", null);
    add(new Change.Truncate(source()));
    insert("2", "a", null, "2", null);

    apply();

    assertThat(rows()).isEqualTo("2,a,,2.00,,kept");
  }

  @Test
  void parksTheRefusedRowsAloneAndWritesTheOthers() throws SQLException {
    for (int i = 0; i < 100; i++) {
      String n = i == 17 ? "5000" : i == 60 ? "1000000" : "5";
      insert(String.valueOf(i), i == 3 ? "too long" : "k", null, n, null);
    }

    RowCounts counts = apply();

    assertThat(counts.inserted()).isEqualTo(97);
    assertThat(parked.all()).extracting(ParkedRow::offset).containsExactly(3L, 17L, 60L);
    assertThat(parked.all()).extracting(ParkedRow::code).containsExactly("22001", "23514", "22003");
    assertThat(parked.all()).allSatisfy(row -> assertThat(row.reason()).doesNotContain("5000"));
    assertThat(TestStack.text(target, "select count(*) from " + NAME)).isEqualTo("97");
  }

  @Test
  void doesNotBlameRowsForAUniqueValueThatWandered() throws SQLException {
    insert("1", "k", "x", "1", null);
    insert("2", "k", "y", "2", null);
    apply();

    update("1", "k", null, "1", null);
    update("2", "k", "x", "2", null);
    update("1", "k", "y", "1", null);

    apply();
    assertThat(parked.all()).isEmpty();
    assertThat(rows()).isEqualTo("1,k,y,1.00,,kept|2,k,x,2.00,,kept");
  }

  @Test
  void bringsARowOfWhichNotAllWasSentFromTheSourceIfTheTargetLacksIt() throws SQLException {
    newest.put(RowKey.of("1", "a"), Row.of(SHAPE, "1", "a", "b@x", "2", "{}"));
    update("1", "a", "b@x", "2", Row.ABSENT);

    assertThat(apply().inserted()).isEqualTo(1);

    assertThat(rows()).isEqualTo("1,a,b@x,2.00,{},kept");
    assertThat(conflicts.all())
        .extracting(Detected::type)
        .containsExactly(ConflictType.UPDATE_MISSING);
  }

  @Test
  void leavesOutARowOfWhichNotAllWasSentIfTheSourceHasItNoMore() throws SQLException {
    update("1", "a", "b@x", "2", Row.ABSENT);

    assertThat(apply().skipped()).isEqualTo(1);

    assertThat(rows()).isEmpty();
  }

  @Test
  void writesNothingWhenSomebodyElseMovedThePosition() throws SQLException {
    insert("1", "a", null, "1", null);
    try (Connection other = target.open("other")) {
      new JdbcPositions(configuration).set(other, at.at(40), BASIS);
    }

    Applied applied = applier.apply(changes, at, at.at(offset));

    assertThat(applied).isInstanceOf(Applied.Fenced.class);
    assertThat(rows()).isEmpty();
  }

  /** A merge leaves the position where it is, and the loop must see that it was there. */
  @Test
  void writesNothingWhenSomebodyElseRenewedThePositionMeanwhile() throws Exception {
    insert("1", "a", null, "1", null);
    try (Connection other = target.open("other")) {
      other.setAutoCommit(false);
      JdbcPositions positions = new JdbcPositions(configuration);
      List<AppliedPosition> before = positions.lock(other, at.topic());
      CompletableFuture<Applied> applied =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return applier.apply(changes, at, at.at(offset));
                } catch (SQLException e) {
                  throw new IllegalStateException(e);
                }
              },
              Background.THREADS);
      Await.until(
          () ->
              TestStack.text(
                      target,
                      "select exists (select from pg_stat_activity where wait_event_type ="
                          + " 'Lock' and datname = current_database())::text")
                  .equals("true"));

      positions.renew(other, at.topic());
      other.commit();

      assertThat(Await.result(applied)).isInstanceOf(Applied.Fenced.class);
      assertThat(positions.find(other, at.topic()))
          .extracting(AppliedPosition::nextOffset)
          .isEqualTo(before.stream().map(AppliedPosition::nextOffset).toList());
      assertThat(rows()).isEmpty();
    }
  }

  @Test
  void findsItselfOvertakenByWhoeverSetThePositionToWhereItStood() throws SQLException {
    try (Connection other = target.open("test")) {
      new JdbcPositions(configuration).set(other, at, BASIS);
    }
    insert("1", "a", null, "1", null);

    assertThat(applier.apply(changes, at, at.at(offset))).isInstanceOf(Applied.Fenced.class);
    assertThat(rows()).isEmpty();
  }

  @Test
  void writesNeitherRowsNorPositionWhenTheSessionDies() throws SQLException {
    insert("1", "a", null, "1", null);
    TestStack.execute(
        target,
        "select pg_terminate_backend(pid) from pg_stat_activity"
            + " where datname = current_database() and pid <> pg_backend_pid()");

    assertThatThrownBy(() -> applier.apply(changes, at, at.at(offset)))
        .isInstanceOf(SQLException.class);

    assertThat(rows()).isEmpty();
    assertThat(TestStack.text(target, "select next_offset from tidemark.applied_position"))
        .isEqualTo("0");
  }

  @Test
  void goesByTheKeysIndexHoweverManyRowsABatchHas() throws SQLException {
    TestStack.execute(
        target,
        "insert into "
            + NAME
            + " select g, 'k' from generate_series(1, 200000) g;"
            + " analyze "
            + NAME
            + ";");
    for (int i = 0; i < 8500; i++) {
      delete(String.valueOf(i * 7 + 1), "k");
    }
    long before = scans();

    apply();

    assertThat(scans()).as("sequential scans of the target").isEqualTo(before);
    assertThat(TestStack.text(target, "select count(*) from " + NAME)).isEqualTo("191500");
  }

  /**
   * The server keeps a session's counts back for a while, unless that session asks it not to. The
   * test's own session has made the indexes, which counts too.
   */
  private long scans() throws SQLException {
    TestStack.execute(target, "select pg_stat_force_next_flush()");
    try (Statement statement = connection.createStatement()) {
      statement.execute("select pg_stat_force_next_flush()");
    }
    connection.commit();
    return Long.parseLong(
        TestStack.text(
            target, "select seq_scan from pg_stat_user_tables where relname = 'Odd Table'"));
  }

  private RowCounts apply() throws SQLException {
    AppliedPosition to = at.at(offset);
    Applied applied = applier.apply(changes, at, to);
    at = to;
    changes.clear();
    assertThat(applied).isInstanceOf(Applied.Committed.class);
    return ((Applied.Committed) applied).counts();
  }

  private void insert(String... values) {
    add(new Change.Insert(source(), Row.of(SHAPE, values)));
  }

  private void update(String... values) {
    add(new Change.Update(source(), null, Row.of(SHAPE, values)));
  }

  private void delete(String... key) {
    add(new Change.Delete(source(), Row.of(KEY, key)));
  }

  private void move(String key1, String key2, String... values) {
    Row oldKey = Row.of(KEY, key1, key2);
    add(new Change.Delete(source(), oldKey, Row.of(KEY, values[0], values[1])));
    add(new Change.Insert(source(), Row.of(SHAPE, values), oldKey));
  }

  private void add(Change change) {
    changes.add(new TopicChange(change, offset++));
  }

  private ChangeSource source() {
    return new ChangeSource(
        "source", "db", TABLE, new SourcePosition(100, offset, 0), 7, 99, 0, null, null);
  }

  private String rows() {
    return TestStack.text(
        target,
        """
        select coalesce(string_agg(concat_ws(',', "Key 1", k2, coalesce(email, ''),
          coalesce(n::text, ''), coalesce(doc::text, ''), extra), '|' order by "Key 1"), '')
        from %s
        """
            .formatted(NAME));
  }

  private static TableMapping mapping(Connection connection) throws SQLException {
    TableShape shape = PgCatalog.shapeOf(connection, TABLE).orElseThrow();
    List<TableMapping.Pair> columns =
        shape.columns().stream()
            .filter(column -> !column.name().equals("extra"))
            .map(column -> new TableMapping.Pair(column, column))
            .toList();
    return new TableMapping(shape, shape, columns, columns.subList(0, 2), null);
  }
}

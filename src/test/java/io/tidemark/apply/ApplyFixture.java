package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.TestStack;
import io.tidemark.apply.JdbcApplier.Prepared;
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
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.MemoryConflictLog;
import io.tidemark.postgres.PgCatalog;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.TableShape;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/**
 * A target table {@code item(id, name, code unique, at, note)} with an applier over it, and changes
 * as a source would send them. Others' writes are statements of {@link #others}.
 */
final class ApplyFixture implements AutoCloseable {
  static final TableName TABLE = new TableName("public", "item");
  static final PositionBasis BASIS = new PositionBasis("t-1", TABLE);
  static final RowShape SHAPE = RowShape.ofText(List.of("id", "name", "code", "at", "note"));
  static final RowShape KEY = RowShape.ofText(List.of("id"));
  private static final String TOPIC = "t";

  final PgDatabase target = TestStack.database("target");
  final UUID configuration = UUID.randomUUID();
  final MemoryConflictLog log = new MemoryConflictLog();
  final MemoryParkedRows parked = new MemoryParkedRows();
  final Map<RowKey, Row> newest = new HashMap<>();
  private final List<TopicChange> changes = new ArrayList<>();
  private final Deque<Ready> ready = new ArrayDeque<>();
  private final JdbcApplier applier;
  private AppliedPosition at = new AppliedPosition(TOPIC, 0, 0, SourcePosition.START, 0);
  private long offset;
  private long committedMicros = 1_000_000_000_000_000L;

  ApplyFixture(ConflictResolution strategy, ConflictDetection detection) throws SQLException {
    this(new ConflictPolicy(strategy, detection, "at", false), DeleteHandling.APPLY, "");
  }

  /**
   * @param before statements that others run before the target is in step
   */
  ApplyFixture(ConflictPolicy policy, DeleteHandling deletes, String before) throws SQLException {
    TestStack.execute(
        target,
        """
        create table item (
          id bigint primary key, name text, code text unique, at timestamptz, note text);
        """
            + before);
    Connection connection = target.open("test");
    JdbcPositions.ensureTable(connection);
    JdbcPositions positions = new JdbcPositions(configuration);
    positions.set(connection, at, BASIS);
    at = positions.find(connection, TOPIC, 0).orElseThrow();
    applier =
        new JdbcApplier(
            connection,
            configuration,
            mapping(connection),
            deletes,
            policy,
            positions,
            new ApplyPorts(parked, log, keys -> newest));
    applier.renew(TOPIC);
  }

  /** A batch that was prepared, and where the position stands after it. */
  private record Ready(List<TopicChange> changes, Optional<Prepared> prepared, long end) {}

  private static TableMapping mapping(Connection connection) throws SQLException {
    return mapping(connection, SHAPE.columns());
  }

  private static TableMapping mapping(Connection connection, List<String> names)
      throws SQLException {
    TableShape shape = PgCatalog.shapeOf(connection, TABLE).orElseThrow();
    List<TableMapping.Pair> columns =
        shape.columns().stream()
            .filter(column -> names.contains(column.name()))
            .map(column -> new TableMapping.Pair(column, column))
            .toList();
    return new TableMapping(shape, shape, columns, columns.subList(0, 1), null);
  }

  /** The target's own users write. */
  void others(String sql) {
    TestStack.execute(target, sql);
  }

  void committedAt(long micros) {
    committedMicros = micros;
  }

  void insert(String... values) {
    add(new Change.Insert(source(), Row.of(SHAPE, values)));
  }

  void update(String... values) {
    add(new Change.Update(source(), null, Row.of(SHAPE, values)));
  }

  /** As a table under REPLICA IDENTITY FULL sends it. */
  void update(Row before, String... values) {
    add(new Change.Update(source(), before, Row.of(SHAPE, values)));
  }

  static Row row(String... values) {
    return Row.of(SHAPE, values);
  }

  void delete(String id) {
    add(new Change.Delete(source(), Row.of(KEY, id)));
  }

  void delete(Row before) {
    add(new Change.Delete(source(), before));
  }

  void move(String from, String... values) {
    Row oldKey = Row.of(KEY, from);
    add(new Change.Delete(source(), oldKey, Row.of(KEY, values[0])));
    add(new Change.Insert(source(), Row.of(SHAPE, values), oldKey));
  }

  void truncate() {
    add(new Change.Truncate(source()));
  }

  private void add(Change change) {
    changes.add(new TopicChange(change, offset++));
  }

  private ChangeSource source() {
    SourcePosition position = new SourcePosition(100, offset, 0);
    return new ChangeSource("source", "db", TABLE, position, 7, 99, committedMicros, null, null);
  }

  /** As when a loop reads its position anew. */
  void renew() throws SQLException {
    applier.renew(TOPIC);
  }

  /** What is sent from now on is written by a mapping of these columns. */
  void map(String... names) throws SQLException {
    try (Connection connection = target.open("test")) {
      applier.use(mapping(connection, List.of(names)));
    }
  }

  /** Makes a batch of what was sent since, and prepares it, as while others are written. */
  void prepare() throws SQLException {
    List<TopicChange> batch = List.copyOf(changes);
    ready.add(new Ready(batch, applier.prepare(batch), offset));
    changes.clear();
  }

  /** Applies the first batch that was prepared, or what was sent since as one. */
  RowCounts apply() throws SQLException {
    if (ready.isEmpty()) {
      prepare();
    }
    Ready batch = ready.remove();
    AppliedPosition to = at.at(batch.end());
    Applied applied = applier.apply(batch.changes(), batch.prepared(), at, to);
    at = to;
    assertThat(applied).isInstanceOf(Applied.Committed.class);
    return ((Applied.Committed) applied).counts();
  }

  /** The target's rows: {@code id,name,code,note}, a bar between two. */
  String rows() {
    return TestStack.text(
        target,
        """
        select coalesce(
          string_agg(concat_ws(',', id, name, coalesce(code, ''), coalesce(note, '')), '|'
            order by id), '')
        from item
        """);
  }

  Detected onlyConflict() {
    assertThat(log.all()).hasSize(1);
    return log.all().get(0);
  }

  @Override
  public void close() throws SQLException {
    applier.close();
    TestStack.dropOrigins(target, configuration);
  }
}

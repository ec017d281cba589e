package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;

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
import io.tidemark.conflict.MemoryConflictLog;
import io.tidemark.postgres.PgCatalog;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.TableShape;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Two databases with a table {@code item(id, name, at)} each, whose users write through {@link
 * Writer}s; what they write arrives as changes in the order of their commits, whenever the test
 * lets it.
 */
final class TwoWayFixture implements AutoCloseable {
  static final TableName TABLE = new TableName("public", "item");
  static final RowShape SHAPE = RowShape.ofText(List.of("id", "name", "at"));
  static final RowShape KEY = RowShape.ofText(List.of("id"));

  final PgDatabase source = TestStack.database("source");
  final PgDatabase target = TestStack.database("target");
  final MemoryConflictLog log = new MemoryConflictLog();
  final MemoryParkedRows parked = new MemoryParkedRows();
  private final UUID configuration = UUID.randomUUID();
  private final JdbcTwoWay twoWay;
  private final TableMapping mapping;
  private final Arriving fromSource;
  private final Arriving fromTarget;

  TwoWayFixture(ConflictResolution strategy) throws SQLException {
    this(strategy, "");
  }

  /**
   * @param more statements that both sides had run before they came in step
   */
  TwoWayFixture(ConflictResolution strategy, String more) throws SQLException {
    for (PgDatabase database : List.of(source, target)) {
      TestStack.execute(
          database,
          """
          create table item (id bigint primary key, name text, at timestamptz);
          insert into item select g, 'first', '2020-01-01' from generate_series(1, 10) g;
          """
              + more);
    }
    Connection there = target.open("test");
    JdbcPositions.ensureTable(there);
    JdbcPositions positions = new JdbcPositions(configuration);
    fromSource = new Arriving("source", now(source));
    fromTarget = new Arriving("target", now(target));
    for (Arriving arriving : List.of(fromSource, fromTarget)) {
      positions.set(there, arriving.at, ApplyFixture.BASIS);
      arriving.at = positions.find(there, arriving.topic, 0).orElseThrow();
    }
    TableShape shape = PgCatalog.shapeOf(there, TABLE).orElseThrow();
    Connection here = source.open("test");
    TableShape shapeHere = PgCatalog.shapeOf(here, TABLE).orElseThrow();
    List<TableMapping.Pair> columns =
        shape.columns().stream().map(column -> new TableMapping.Pair(column, column)).toList();
    mapping = new TableMapping(shapeHere, shape, columns, columns.subList(0, 1), null);
    twoWay =
        new JdbcTwoWay(
            here,
            there,
            configuration,
            mapping,
            new ConflictPolicy(strategy, ConflictDetection.ORIGIN, "at", false),
            positions,
            new ApplyPorts(parked, log, keys -> Map.of()));
    twoWay.renew();
  }

  private static long now(PgDatabase database) {
    return Long.parseLong(
        TestStack.text(database, "select (extract(epoch from clock_timestamp()) * 1000000)::int8"));
  }

  /** One side's changes on their way. */
  private final class Arriving {
    private final String topic;
    private final ConcurrentLinkedQueue<TopicChange> queue = new ConcurrentLinkedQueue<>();
    private final AtomicLong offset = new AtomicLong();
    private AppliedPosition at;
    private boolean isWhole;

    Arriving(String topic, long sinceMicros) {
      this.topic = topic;
      at = new AppliedPosition(topic, 0, 0, SourcePosition.START, sinceMicros);
    }

    /** The changes of one transaction. */
    void add(long micros, List<Maker> changes) {
      long lsn = offset.get() + 1;
      for (int i = 0; i < changes.size(); i++) {
        SourcePosition position = new SourcePosition(lsn, i, 0);
        ChangeSource source =
            new ChangeSource(topic, "db", TABLE, position, 7, 9, micros, null, null);
        queue.add(new TopicChange(changes.get(i).of(source), offset.getAndIncrement()));
      }
    }

    boolean isWholeBefore(AppliedPosition to) {
      return isWhole || to.source().commitLsn() > at.source().commitLsn();
    }

    void moveTo(AppliedPosition to) {
      at = to;
      isWhole = false;
    }

    List<TopicChange> take(int most) {
      List<TopicChange> taken = new ArrayList<>();
      while (taken.size() < most && !queue.isEmpty()) {
        taken.add(queue.poll());
      }
      return taken;
    }
  }

  private interface Maker {
    Change of(ChangeSource source);
  }

  Writer atSource() throws SQLException {
    return new Writer(source.open("writer"), fromSource);
  }

  Writer atTarget() throws SQLException {
    return new Writer(target.open("writer"), fromTarget);
  }

  interface Writes {
    void run() throws SQLException;
  }

  /** A user of one side, who writes single rows in transactions of their own, or of several. */
  static final class Writer implements AutoCloseable {
    private final Connection session;
    private final Arriving arriving;
    private final List<Maker> open = new ArrayList<>();
    private boolean together;

    private Writer(Connection session, Arriving arriving) throws SQLException {
      this.session = session;
      this.arriving = arriving;
      session.setAutoCommit(false);
    }

    /** All of it is one transaction. */
    void together(Writes writes) throws SQLException {
      together = true;
      writes.run();
      together = false;
      if (!open.isEmpty()) {
        commit();
      }
    }

    void put(int id, String name, String at) throws SQLException {
      boolean there =
          run("update item set name = ?, at = ?::timestamptz where id = ?", name, at, id);
      if (!there) {
        run(
            "insert into item (name, at, id) values (?, ?::timestamptz, ?) on conflict do nothing",
            name,
            at,
            id);
      }
      Row row = Row.of(SHAPE, String.valueOf(id), name, at);
      commit(
          source -> there ? new Change.Update(source, null, row) : new Change.Insert(source, row));
    }

    void delete(int id) throws SQLException {
      if (!run("delete from item where id = ?", null, null, id)) {
        if (!together) {
          session.rollback();
        }
        return;
      }
      commit(source -> new Change.Delete(source, Row.of(KEY, String.valueOf(id))));
    }

    private boolean run(String sql, String name, String at, int id) throws SQLException {
      try (PreparedStatement statement = session.prepareStatement(sql)) {
        int parameter = 1;
        if (name != null) {
          statement.setString(parameter++, name);
          statement.setString(parameter++, at);
        }
        statement.setInt(parameter, id);
        return statement.executeUpdate() == 1;
      }
    }

    private void commit(Maker change) throws SQLException {
      open.add(change);
      if (!together) {
        commit();
      }
    }

    private void commit() throws SQLException {
      String id;
      try (var statement = session.createStatement();
          ResultSet row = statement.executeQuery("select pg_current_xact_id()::xid::text")) {
        row.next();
        id = row.getString(1);
      }
      session.commit();
      try (PreparedStatement statement =
          session.prepareStatement(
              "select (extract(epoch from pg_xact_commit_timestamp(?::xid)) * 1000000)::int8")) {
        statement.setString(1, id);
        try (ResultSet row = statement.executeQuery()) {
          row.next();
          arriving.add(row.getLong(1), open);
          open.clear();
        }
      }
      session.commit();
    }

    @Override
    public void close() throws SQLException {
      session.close();
    }
  }

  /** Lets so many changes of each side arrive at most; answers whether there were any. */
  boolean arrive(int ofSource, int ofTarget) throws SQLException {
    List<TopicChange> here = fromSource.take(ofSource);
    List<TopicChange> there = fromTarget.take(ofTarget);
    if (here.isEmpty() && there.isEmpty()) {
      return false;
    }
    while (true) {
      TwoWayWork work = work(here, there);
      Optional<Applied> applied = tried(work);
      if (applied.isPresent() && applied.get() instanceof Applied.Unfinished unfinished) {
        // As a session does: it reads on, and at the end of all that was captured it knows.
        Arriving more = unfinished.topic().equals(fromSource.topic) ? fromSource : fromTarget;
        more.isWhole = !(more == fromSource ? here : there).addAll(more.take(1));
      } else if (applied.isPresent()) {
        assertThat(applied.get()).isInstanceOf(Applied.Committed.class);
        fromSource.moveTo(work.sourceTo());
        fromTarget.moveTo(work.targetTo());
        return true;
      }
      // Else the users' own locks came in between; nothing was written.
    }
  }

  private TwoWayWork work(List<TopicChange> here, List<TopicChange> there) {
    TwoWayChanges source = new TwoWayChanges(new Projection(mapping), "ours");
    TwoWayChanges target = new TwoWayChanges(new Projection(mapping.reversed()), "ours");
    here.forEach(source::add);
    there.forEach(target::add);
    AppliedPosition sourceTo = after(fromSource.at, here);
    AppliedPosition targetTo = after(fromTarget.at, there);
    return new TwoWayWork(
        source,
        target,
        fromSource.isWholeBefore(sourceTo),
        fromTarget.isWholeBefore(targetTo),
        fromSource.at,
        sourceTo,
        fromTarget.at,
        targetTo);
  }

  /** Empty if it is to be tried again. */
  private Optional<Applied> tried(TwoWayWork work) throws SQLException {
    try {
      return Optional.of(twoWay.apply(work));
    } catch (SQLException e) {
      if (PgRefusal.of(e) != PgRefusal.TRANSIENT) {
        throw e;
      }
      return Optional.empty();
    }
  }

  /** A process that begins anew: what it has not written down is forgotten. */
  void restart() {
    twoWay.renew();
  }

  private static AppliedPosition after(AppliedPosition at, List<TopicChange> changes) {
    return changes.isEmpty() ? at : at.after(changes.get(changes.size() - 1));
  }

  void allArrive() throws SQLException {
    while (arrive(1000, 1000)) {
      // Until both sides are quiet.
    }
  }

  /** A side's rows: {@code id,name}, a bar between two. */
  static String rows(PgDatabase side) {
    return TestStack.text(
        side,
        "select coalesce(string_agg(concat_ws(',', id, name, at), '|' order by id), '') from item");
  }

  /** A side's rows but those of keys that wait. */
  String settledRows(PgDatabase side) {
    String waiting =
        log.waiting().stream()
            .map(RowKey::values)
            .map(values -> String.valueOf(values.get(0)))
            .reduce("-1", (a, b) -> a + "," + b);
    return TestStack.text(
        side,
        "select coalesce(string_agg(concat_ws(',', id, name, at), '|' order by id), '') from item"
            + " where id not in ("
            + waiting
            + ")");
  }

  @Override
  public void close() throws SQLException {
    twoWay.close();
    for (PgDatabase database : List.of(source, target)) {
      TestStack.dropOrigins(database, configuration);
    }
  }
}

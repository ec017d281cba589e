package io.tidemark.apply;

import io.tidemark.TestStack;
import io.tidemark.change.Change;
import io.tidemark.change.ChangeSource;
import io.tidemark.change.Row;
import io.tidemark.change.RowShape;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.TableName;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.MemoryConflictLog;
import io.tidemark.postgres.PgCatalog;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgOrigins;
import io.tidemark.postgres.TableShape;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Measures what it costs to tell conflicts, mode by mode beside none, in one run: changes per
 * second of the apply stage alone (half updates, 40 % inserts, a tenth deletes; 300-byte rows). Not
 * part of the tests by its name: {@code -Pbench -Dtest=ApplyBench}.
 */
@Tag("bench")
class ApplyBench {
  private static final int ROWS = Integer.getInteger("bench.rows", 200_000);
  private static final int CHANGES = Integer.getInteger("bench.changes", 100_000);
  private static final int BATCH = Integer.getInteger("bench.batch", 1000);
  private static final int ROUNDS = Integer.getInteger("bench.rounds", 3);
  private static final TableName TABLE = new TableName("public", "orders");
  private static final RowShape SHAPE =
      RowShape.ofText(
          List.of("id", "customer", "status", "note", "amount", "detail", "at", "updated_at"));
  private static final String NONE = "none";

  private final PgDatabase target = TestStack.database("bench");

  @Test
  void measures() throws SQLException {
    Map<String, List<Double>> rates = new LinkedHashMap<>();
    for (int round = 0; round < ROUNDS; round++) {
      for (String mode : List.of(NONE, "existence", "timestamp", "origin", "before_image")) {
        rates.computeIfAbsent(mode, key -> new ArrayList<>()).add(measure(mode));
      }
    }
    double none = median(rates.get(NONE));
    rates.forEach(
        (mode, all) ->
            System.out.printf(
                Locale.ROOT,
                "apply, batch %d, %-12s %,9.0f changes/s   %.2f of none%n",
                BATCH,
                mode,
                median(all),
                median(all) / none));
  }

  private static double median(List<Double> rates) {
    return rates.stream().sorted().skip(rates.size() / 2).findFirst().orElseThrow();
  }

  private double measure(String mode) throws SQLException {
    TestStack.execute(
        target,
        """
        drop table if exists orders;
        create table orders (
          id int8 primary key, customer text, status text, note text, amount numeric(12, 2),
          detail jsonb, at timestamptz, updated_at timestamptz);
        insert into orders
        select i, 'customer ' || i %% 1000, 'shipped', repeat('0123456789abcdef', 4), i,
               '{"sku": "0123456789abcdef0123456789abcdef", "address": "0123456789abcdef"}',
               '2026-01-01 00:00:00+00', '2099-01-01 00:00:00+00'
        from generate_series(1, %d) i
        """
            .formatted(ROWS));
    TestStack.execute(target, "vacuum analyze orders");
    TestStack.execute(target, "checkpoint");
    UUID configuration = UUID.randomUUID();
    List<List<TopicChange>> batches = batches(mode.equals("before_image"));
    try (Connection connection = target.open("bench")) {
      JdbcPositions.ensureTable(connection);
      JdbcPositions positions = new JdbcPositions(configuration);
      AppliedPosition at = new AppliedPosition("t", 0, 0, SourcePosition.START, 0);
      positions.set(connection, at, new PositionBasis("bench", TABLE));
      at = positions.find(connection, "t", 0).orElseThrow();
      TableShape shape = PgCatalog.shapeOf(connection, TABLE).orElseThrow();
      List<TableMapping.Pair> columns =
          shape.columns().stream().map(column -> new TableMapping.Pair(column, column)).toList();
      TableMapping mapping = new TableMapping(shape, shape, columns, columns.subList(0, 1), null);
      long started = System.nanoTime();
      if (mode.equals(NONE)) {
        unguarded(connection, mapping, positions, at, batches);
      } else {
        guarded(mode, configuration, mapping, positions, at, batches);
      }
      double seconds = (System.nanoTime() - started) / 1e9;
      PgOrigins.drop(connection, configuration);
      return CHANGES / seconds;
    }
  }

  private static void unguarded(
      Connection connection,
      TableMapping mapping,
      JdbcPositions positions,
      AppliedPosition from,
      List<List<TopicChange>> batches)
      throws SQLException {
    JdbcWriterSession.prepare(connection);
    connection.setAutoCommit(false);
    Projection projection = new Projection(mapping);
    AppliedPosition at = from;
    try (JdbcStatements statements = new JdbcStatements(connection)) {
      JdbcTableWriter writer = new JdbcTableWriter(statements, mapping, Guard.none());
      for (List<TopicChange> batch : batches) {
        AppliedPosition to = at.at(at.nextOffset() + batch.size());
        positions.advance(connection, at, to);
        for (Step step : Batch.steps(batch, projection, DeleteHandling.APPLY)) {
          writer.write(step);
        }
        connection.commit();
        at = to;
      }
    }
    connection.setAutoCommit(true);
  }

  private void guarded(
      String mode,
      UUID configuration,
      TableMapping mapping,
      JdbcPositions positions,
      AppliedPosition from,
      List<List<TopicChange>> batches)
      throws SQLException {
    ConflictDetection detection = ConflictDetection.valueOf(mode.toUpperCase(Locale.ROOT));
    MemoryConflictLog log = new MemoryConflictLog();
    AppliedPosition at = from;
    try (JdbcApplier applier =
        new JdbcApplier(
            target.open("bench"),
            configuration,
            mapping,
            DeleteHandling.APPLY,
            new ConflictPolicy(ConflictResolution.SOURCE_WINS, detection, "updated_at", false),
            positions,
            new ApplyPorts(ParkedRows.refusing(), log, keys -> Map.of()))) {
      applier.renew("t");
      for (List<TopicChange> batch : batches) {
        AppliedPosition to = at.at(at.nextOffset() + batch.size());
        applier.apply(batch, at, to);
        at = to;
      }
    }
    if (!log.all().isEmpty()) {
      throw new IllegalStateException(log.all().size() + " conflicts where there is none");
    }
  }

  /** The same changes for every mode; keys are used once each, so that a batch is not compacted. */
  private static List<List<TopicChange>> batches(boolean withBefore) {
    SplittableRandom random = new SplittableRandom(42);
    List<List<TopicChange>> batches = new ArrayList<>();
    List<TopicChange> batch = new ArrayList<>();
    int existing = 1;
    int fresh = ROWS + 1;
    for (int i = 0; i < CHANGES; i++) {
      int dice = random.nextInt(10);
      Change change;
      if (dice < 4) {
        change = new Change.Insert(source(i), row(fresh++, "new"));
      } else if (dice < 5) {
        change = new Change.Delete(source(i), row(existing++, "shipped"));
      } else {
        Row before = withBefore ? row(existing, "shipped") : null;
        change = new Change.Update(source(i), before, row(existing++, "returned"));
      }
      batch.add(new TopicChange(change, i));
      if (batch.size() == BATCH) {
        batches.add(List.copyOf(batch));
        batch.clear();
      }
    }
    return batches;
  }

  private static ChangeSource source(int i) {
    SourcePosition position = new SourcePosition(100, i, 0);
    return new ChangeSource("s", "d", TABLE, position, 7, 99, 5_000_000_000_000_000L, null, null);
  }

  private static Row row(int id, @Nullable String status) {
    return Row.of(
        SHAPE,
        String.valueOf(id),
        "customer " + id % 1000,
        status,
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        id + ".00",
        "{\"sku\": \"0123456789abcdef0123456789abcdef\", \"address\": \"0123456789abcdef\"}",
        "2026-01-01 00:00:00+00",
        "2099-01-01 00:00:00+00");
  }
}

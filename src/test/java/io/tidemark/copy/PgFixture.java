package io.tidemark.copy;

import io.tidemark.Await;
import io.tidemark.TestSessions;
import io.tidemark.TestStack;
import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.change.TableName;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.PgCatalog;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.TableShape;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A source and a target of its own for each test, with a session in each. */
final class PgFixture implements AutoCloseable {
  final PgDatabase source;
  final PgDatabase target;
  final PgSession atSource;
  final PgSession atTarget;

  PgFixture() {
    source = TestStack.database("source");
    target = TestStack.database("target");
    atSource = PgSession.open(source, Kind.SOURCE, "test", "test");
    atTarget = PgSession.open(target, Kind.TARGET, "test", "test");
  }

  /** Runs the same statements on both sides. */
  void onBoth(String sql) {
    atSource.execute(sql);
    atTarget.execute(sql);
  }

  TableShape shape(PgDatabase database, String table) {
    try {
      return TestSessions.with(
          database,
          statement ->
              PgCatalog.shapeOf(statement.getConnection(), TableName.parse(table)).orElseThrow());
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  /** All columns by name, the source's key, no filter. */
  TableMapping mapping(String table) {
    return mapping(table, table, Map.of(), null);
  }

  TableMapping mapping(
      String sourceTable,
      String targetTable,
      Map<String, String> renames,
      @Nullable String filter) {
    TableShape from = shape(source, sourceTable);
    TableShape to = shape(target, targetTable);
    List<Pair> pairs = new ArrayList<>();
    for (ColumnShape column : from.columns()) {
      Optional<ColumnShape> match =
          to.column(renames.getOrDefault(column.name(), column.name()))
              .filter(ColumnShape::isWritable);
      match.ifPresent(found -> pairs.add(new Pair(column, found)));
    }
    List<Pair> key =
        from.key().stream()
            .map(
                name ->
                    pairs.stream()
                        .filter(pair -> pair.source().name().equals(name))
                        .findFirst()
                        .orElseThrow())
            .toList();
    return new TableMapping(from, to, pairs, key, filter);
  }

  List<List<@Nullable String>> sourceRows(String query) {
    return atSource.rows(query);
  }

  List<List<@Nullable String>> targetRows(String query) {
    return atTarget.rows(query);
  }

  /** The stages that are there. */
  long stages() {
    return atTarget.number(
        "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            + " where n.nspname = 'tidemark' and c.relkind = 'r'");
  }

  /**
   * Waits until a copy waits for a lock in a database. Asked over a session of its own: within one
   * transaction the answer never changes.
   */
  void awaitWaitingCopy(PgDatabase database) {
    Await.until(
        () ->
            TestStack.text(
                database,
                "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
                    + " and application_name = 'tidemark copy' and datname = current_database()"),
        count -> !count.equals("0"));
  }

  /** The sessions of copies into or out of this test's databases. */
  long copySessions() {
    return atTarget.number(
        "select count(*) from pg_stat_activity where application_name in"
            + " ('tidemark copy', 'tidemark clean-up') and datname in (?, ?)",
        TestStack.name(source),
        TestStack.name(target));
  }

  @Override
  public void close() {
    atSource.close();
    atTarget.close();
  }
}

package io.tidemark.copy;

import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.change.TableName;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.PgCatalog;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.TableShape;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** One PostgreSQL for all tests of this room; each test has a source and a target of its own. */
final class PgFixture implements AutoCloseable {
  private static final AtomicInteger NUMBER = new AtomicInteger();
  private static @Nullable EmbeddedPostgres server;

  final PgDatabase source;
  final PgDatabase target;
  final PgSession atSource;
  final PgSession atTarget;

  PgFixture() {
    int number = NUMBER.incrementAndGet();
    source = database("source_" + number);
    target = database("target_" + number);
    atSource = PgSession.open(source, Kind.SOURCE, "test", "test");
    atTarget = PgSession.open(target, Kind.TARGET, "test", "test");
  }

  static synchronized EmbeddedPostgres server() {
    try {
      if (server == null) {
        server =
            EmbeddedPostgres.builder()
                .setOverrideWorkingDirectory(Path.of("target", "postgres").toFile())
                .setDataDirectory(
                    Path.of("target", "postgres", "data-" + ProcessHandle.current().pid()))
                .setServerConfig("fsync", "off")
                .setServerConfig("wal_level", "logical")
                .setServerConfig("max_wal_size", "4GB")
                .setServerConfig("shared_buffers", "1GB")
                .setServerConfig("max_prepared_transactions", "10")
                // Not that of the JVM, on purpose.
                .setServerConfig("timezone", "Asia/Kathmandu")
                .start();
      }
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static PgDatabase named(String name) {
    return new PgDatabase(name, server().getJdbcUrl("postgres", name), null, null);
  }

  private static PgDatabase database(String name) {
    try (PgSession session = PgSession.open(named("postgres"), Kind.STORE, "test", "test")) {
      session.execute("create database " + name);
    }
    return named(name);
  }

  /** Runs the same statements on both sides. */
  void onBoth(String sql) {
    atSource.execute(sql);
    atTarget.execute(sql);
  }

  TableShape shape(PgDatabase database, String table) {
    try (var connection = database.open("test")) {
      return PgCatalog.shapeOf(connection, TableName.parse(table)).orElseThrow();
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

  /** The sessions of copies into or out of this test's databases. */
  long copySessions() {
    return atTarget.number(
        "select count(*) from pg_stat_activity where application_name in"
            + " ('tidemark copy', 'tidemark clean-up') and datname in (?, ?)",
        source.connection(),
        target.connection());
  }

  @Override
  public void close() {
    atSource.close();
    atTarget.close();
    try (PgSession session = PgSession.open(named("postgres"), Kind.STORE, "test", "test")) {
      session.execute("drop database " + source.connection() + " with (force)");
      session.execute("drop database " + target.connection() + " with (force)");
    }
  }
}

package io.tidemark.conflict;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.WireName;
import io.tidemark.postgres.PgFailures;
import io.tidemark.postgres.PgTimes;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;

/**
 * One configuration's conflicts in the table {@code sync_conflicts}. Several threads and processes
 * may use it at once, a person's decision among them: whoever changes a conflict that waits holds
 * its row's lock.
 */
public final class JdbcConflictLog implements ConflictLog {
  /**
   * Decisions and other writers hold a conflict for as long as a target takes to answer.
   *
   * <p>INVARIANT: each statement is planned for the table as it is. A plan that a session of the
   * pool kept from when few conflicts were on record would read all of them for each of thousands.
   */
  private static final String SETTINGS =
      "set local lock_timeout = '20s'; set local plan_cache_mode = force_custom_plan";

  /** A conflict that two writers find at once: the one that comes second starts over. */
  private static final Set<String> COLLISIONS = Set.of("23505", "40P01", "40001");

  private static final int ATTEMPTS_MAX = 5;

  private final Jdbi jdbi;
  private final Owner owner;
  private final int waitingMax;
  private final InstantSource clock;
  private final Supplier<UUID> ids;

  /**
   * Whose conflicts these are.
   *
   * @param table the target's
   * @param strategy stands in the record; it does not decide here
   */
  public record Owner(UUID configuration, String table, ConflictResolution strategy) {}

  /**
   * @param waitingMax keys of this configuration that may wait at once: each apply loop holds them
   *     in memory
   */
  public JdbcConflictLog(
      Jdbi jdbi, Owner owner, int waitingMax, InstantSource clock, Supplier<UUID> ids) {
    this.jdbi = jdbi;
    this.owner = owner;
    this.waitingMax = waitingMax;
    this.clock = clock;
    this.ids = ids;
  }

  @Override
  public void record(List<Detected> conflicts) {
    if (conflicts.isEmpty()) {
      return;
    }
    List<Detected> different = different(conflicts);
    Set<Verdict> verdicts = different.stream().map(Detected::verdict).collect(Collectors.toSet());
    boolean ofComparison = different.stream().anyMatch(one -> one.place().isOfComparison());
    store(
        session -> {
          for (JdbcTextColumns columns : JdbcTextColumns.of(different, ids)) {
            if (ofComparison) {
              execute(session, ConflictSql.giveWay(columns.keySize()), columns);
            }
            put(session, columns, verdicts);
          }
          if (verdicts.contains(Verdict.REVIEW)) {
            requireRoom(session);
          }
          return true;
        });
  }

  /** One place and key is one record, and a key waits once: of several the last one counts. */
  private static List<Detected> different(List<Detected> conflicts) {
    record Identity(RowKey key, Place place, boolean waits) {}
    Map<Identity, Detected> last = new LinkedHashMap<>();
    Place anywhere = new Place("", 0, 0);
    for (Detected one : conflicts) {
      boolean waits = one.verdict() == Verdict.REVIEW;
      last.put(new Identity(one.rowKey(), waits ? anywhere : one.place(), waits), one);
    }
    return List.copyOf(last.values());
  }

  private void put(Connection session, JdbcTextColumns columns, Set<Verdict> verdicts)
      throws SQLException {
    int keySize = columns.keySize();
    if (verdicts.contains(Verdict.APPLY) || verdicts.contains(Verdict.KEEP)) {
      execute(session, ConflictSql.supersede(keySize), columns);
    }
    if (verdicts.contains(Verdict.REVIEW)) {
      execute(session, ConflictSql.renew(keySize), columns);
    }
    execute(session, ConflictSql.insert(keySize), columns);
  }

  private void execute(Connection session, String sql, JdbcTextColumns columns)
      throws SQLException {
    try (PreparedStatement statement = session.prepareStatement(sql)) {
      int next = columns.bind(session, statement);
      statement.setObject(next++, owner.configuration());
      statement.setString(next++, owner.table());
      statement.setString(next++, WireName.of(owner.strategy()));
      statement.setObject(next, PgTimes.bindable(clock.instant()));
      statement.executeUpdate();
    }
  }

  private void requireRoom(Connection session) throws SQLException {
    try (PreparedStatement statement = session.prepareStatement(ConflictSql.COUNT_WAITING)) {
      statement.setObject(1, owner.configuration());
      statement.setInt(2, waitingMax + 1);
      try (ResultSet count = statement.executeQuery()) {
        count.next();
        if (count.getInt(1) > waitingMax) {
          throw tooMany();
        }
      }
    }
  }

  private OperatingFailure tooMany() {
    return new OperatingFailure(
        Kind.CAPACITY,
        "too_many_conflicts",
        "more than " + waitingMax + " conflicts of " + owner.table() + " wait for a decision",
        "decide some: POST /conflicts/resolve takes a filter; or raise"
            + " tidemark.conflicts.waiting-max",
        null);
  }

  @Override
  public Set<RowKey> waiting() {
    return store(
        session -> {
          Set<RowKey> keys = new HashSet<>();
          try (PreparedStatement statement = session.prepareStatement(ConflictSql.WAITING)) {
            statement.setObject(1, owner.configuration());
            try (ResultSet row = statement.executeQuery()) {
              while (row.next()) {
                keys.add(key(row));
              }
            }
          }
          return keys;
        });
  }

  @Override
  public Set<RowKey> heldBack(List<String> keyColumns) {
    return store(
        session -> {
          Set<RowKey> keys = new HashSet<>();
          try (PreparedStatement statement = session.prepareStatement(ConflictSql.HOLDERS)) {
            statement.setObject(1, owner.configuration());
            try (ResultSet row = statement.executeQuery()) {
              while (row.next()) {
                keys.add(keyOf(keyColumns, row.getString(1)));
              }
            }
          }
          return keys;
        });
  }

  private static RowKey keyOf(List<String> keyColumns, String text) {
    Row row = Objects.requireNonNull(RowsJson.row(text));
    return RowKey.of(
        keyColumns.stream()
            .map(column -> row.value(row.shape().indexOf(column)))
            .toArray(String[]::new));
  }

  @Override
  public Set<RowKey> join(List<Later> changes) {
    if (changes.isEmpty()) {
      return Set.of();
    }
    return store(
        session -> {
          Set<RowKey> gone = new HashSet<>();
          for (JdbcTextColumns columns : JdbcTextColumns.of(changes)) {
            gone.addAll(columns.keys());
            gone.removeAll(join(session, columns));
          }
          return gone;
        });
  }

  private List<RowKey> join(Connection session, JdbcTextColumns columns) throws SQLException {
    List<RowKey> joined = new ArrayList<>();
    try (PreparedStatement statement =
        session.prepareStatement(ConflictSql.join(columns.keySize()))) {
      int next = columns.bind(session, statement);
      statement.setObject(next, owner.configuration());
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          joined.add(key(row));
        }
      }
    }
    return joined;
  }

  private static RowKey key(ResultSet row) throws SQLException {
    return RowKey.of((String[]) row.getArray(1).getArray());
  }

  private interface Work<T> {
    T run(Connection session) throws SQLException;
  }

  private <T> T store(Work<T> work) {
    SQLException first = null;
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      try {
        return jdbi.inTransaction(
            handle -> {
              handle.execute(SETTINGS);
              return work.run(handle.getConnection());
            });
      } catch (SQLException e) {
        if (!COLLISIONS.contains(String.valueOf(e.getSQLState()))) {
          throw failure(e);
        }
        first = first == null ? e : first;
      } catch (JdbiException e) {
        throw failure(
            e.getCause() instanceof SQLException cause ? cause : new SQLException(e.toString()));
      }
    }
    throw failure(first == null ? new SQLException("no attempt") : first);
  }

  private static OperatingFailure failure(SQLException e) {
    return PgFailures.of(e, Kind.STORE, "table sync_conflicts");
  }
}

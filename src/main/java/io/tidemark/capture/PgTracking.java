package io.tidemark.capture;

import io.tidemark.capture.WrittenPosition.Phase;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.Sql;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Changes what is tracked of one source: publication, slot and topics. Instances take turns by an
 * advisory lock on the source.
 *
 * <p>Orders that matter: a topic exists before its table is published, the publication before the
 * slot, and the position topic says "creating" before there is a slot, so that a crash in between
 * leaves a slot that is known never to have been read.
 */
final class PgTracking {
  /** Other instances' changes take seconds; a slot's creation waits for open transactions. */
  private static final Duration LOCK_MAX = Duration.ofSeconds(180);

  private final CaptureSettings settings;
  private final Map<String, Object> clients;
  private final PgDatabase source;
  private final KafkaTopics topics;
  private final Clock clock;
  private final CaptureNames names;
  private final CaptureStart decision;

  PgTracking(
      CaptureSettings settings,
      Map<String, Object> clients,
      PgDatabase source,
      KafkaTopics topics,
      Clock clock) {
    this.settings = settings;
    this.clients = clients;
    this.source = source;
    this.topics = topics;
    this.clock = clock;
    this.names = CaptureNames.of(settings, source.connection());
    this.decision = new CaptureStart(names);
  }

  /** See {@link ChangeTracker#ensureTracked}. */
  String track(TableName table, BooleanSupplier isWanted) {
    return inTurn(
        "table " + table + " could not be tracked",
        connection -> {
          // INVARIANT: asked under the lock, under which a deletion releases the table.
          if (!isWanted.getAsBoolean()) {
            throw unwanted(table);
          }
          PgPublication.check(connection, table);
          PgPublication publication = new PgPublication(connection, names.publication());
          Optional<WrittenPosition> last = lastPosition();
          if (isInUse(last) && publication.look().captured().contains(table)) {
            topics.requireChanges(decision, names.connection(), table);
          } else {
            topics.ensureChanges(names.connection(), table);
          }
          topics.ensurePosition(names.connection());
          publication.track(table);
          ensureSlot(connection, publication, Set.of(table));
          if (publication.note().pending().contains(table)) {
            PgWriters.awaitEnd(connection, Sql.name(table), table, settings.writerWait());
            publication.settle(table);
          }
          return publication.note().find(table).orElseThrow().id();
        });
  }

  private OperatingFailure unwanted(TableName table) {
    return new OperatingFailure(
        OperatingFailure.Kind.USER,
        "configuration_deleted",
        "no configuration has table " + table + " of connection '" + names.connection() + "' now",
        null,
        null);
  }

  /** Notes more of the tracked tables, where an earlier release has noted less. */
  static void adopt(PgDatabase source, CaptureNames names) {
    inTurn(
        source,
        names,
        "the tables of publication " + names.publication() + " could not be noted",
        connection -> {
          new PgPublication(connection, names.publication()).adopt();
          return true;
        });
  }

  /** Notes new partitions, unless somebody changes what is tracked just now. */
  static void adoptIfFree(PgSession session, CaptureNames names) {
    Connection connection = session.connection();
    try {
      if (!lock(connection, "select pg_catalog.pg_try_advisory_lock(?)", names)) {
        return;
      }
      try {
        new PgPublication(connection, names.publication()).adopt();
      } finally {
        lock(connection, "select pg_catalog.pg_advisory_unlock(?)", names);
      }
    } catch (SQLException e) {
      throw PgSource.failure("new partitions could not be noted", e);
    }
  }

  private static boolean lock(Connection connection, String sql, CaptureNames names)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setLong(1, names.changeLock());
      try (ResultSet row = statement.executeQuery()) {
        return row.next() && row.getBoolean(1);
      }
    }
  }

  /** See {@link ChangeTracker#reset}. */
  void reset(Supplier<Set<TableName>> wanted) {
    inTurn(
        "the capture of " + names.connection() + " could not be reset",
        connection -> {
          Set<TableName> tables = Set.copyOf(wanted.get());
          for (TableName table : tables) {
            PgPublication.check(connection, table);
            topics.ensureChanges(names.connection(), table);
          }
          topics.ensurePosition(names.connection());
          PgPublication publication = new PgPublication(connection, names.publication());
          for (TableName table : tables) {
            publication.track(table);
          }
          publication.keep(tables);
          // INVARIANT: "released" until the old slot is gone. It fences whoever captures, and keeps
          // every instance from taking the old slot for the new one.
          record(WrittenPosition.released(clock.millis()));
          PgSlot.drop(connection, names.slot());
          ensureSlot(connection, publication, tables);
          for (TableName pending : publication.note().pending()) {
            PgWriters.awaitEnd(connection, Sql.name(pending), pending, settings.writerWait());
            publication.settle(pending);
          }
          return true;
        });
  }

  /** Whether a capture of this source would refuse to start, and why. */
  Optional<OperatingFailure> refusal() {
    try (Connection connection = source.open("capture check")) {
      // INVARIANT: the slot first. Both move on meanwhile, and the slot is never ahead.
      Optional<PgSlot> slot = PgSlot.find(connection, names.slot());
      Optional<WrittenPosition> last = lastPosition();
      if (slot.isEmpty()) {
        decision.refuseIfInUse(last);
      } else {
        SlotGeneration generation = PgSource.generation(source, names.slot());
        decision.decide(last, slot.get(), generation, clock.millis());
        if (isInUse(last)) {
          for (TableName table :
              new PgPublication(connection, names.publication()).look().captured()) {
            topics.requireChanges(decision, names.connection(), table);
          }
        }
      }
      return Optional.empty();
    } catch (OperatingFailure e) {
      return Optional.of(e);
    } catch (SQLException e) {
      throw PgSource.failure("the capture of " + names.connection() + " could not be examined", e);
    }
  }

  /**
   * Makes the slot unless it is there. A slot of a capture that was ended while its source was away
   * is a leftover: nobody has read it since, and its tables may be others'.
   */
  private void ensureSlot(Connection connection, PgPublication publication, Set<TableName> tables)
      throws SQLException, InterruptedException {
    Optional<WrittenPosition> last = lastPosition();
    boolean isThere = PgSlot.find(connection, names.slot()).isPresent();
    boolean isEnded = last.filter(at -> at.phase() == Phase.RELEASED).isPresent();
    if (isThere && !isEnded) {
      return;
    }
    if (isThere) {
      PgSlot.drop(connection, names.slot());
      publication.keep(tables);
    }
    decision.refuseIfInUse(last);
    record(WrittenPosition.creating(clock.millis()));
    PgSlot.create(connection, names.slot());
    publication.interrupted();
  }

  /** See {@link ChangeTracker#release}. */
  boolean release(Supplier<Set<TableName>> wanted) {
    return inTurn(
        "the capture of " + names.connection() + " could not be released",
        connection -> {
          PgPublication publication = new PgPublication(connection, names.publication());
          Set<TableName> remaining = Set.copyOf(wanted.get());
          if (!remaining.isEmpty()) {
            return publication.keep(remaining);
          }
          if (!publication.exists() && PgSlot.find(connection, names.slot()).isEmpty()) {
            return false;
          }
          topics.ensurePosition(names.connection());
          // Fences the instance that captures; it finds the record and does not start again.
          record(WrittenPosition.released(clock.millis()));
          PgSlot.drop(connection, names.slot());
          publication.drop();
          return true;
        });
  }

  private static boolean isInUse(Optional<WrittenPosition> last) {
    return last.filter(at -> at.phase() == Phase.WRITTEN).isPresent();
  }

  private Optional<WrittenPosition> lastPosition() {
    try (KafkaPositionReader reader =
        new KafkaPositionReader(settings, clients, names.connection())) {
      return reader.last();
    }
  }

  private void record(WrittenPosition position) {
    record(settings, clients, names, topics, clock, position);
  }

  /** See {@link ChangeTracker#abandon}: without the source, and not in turn with anybody. */
  static void recordReleased(
      CaptureSettings settings,
      Map<String, Object> clients,
      String connection,
      KafkaTopics topics,
      Clock clock) {
    topics.ensurePosition(connection);
    WrittenPosition released = WrittenPosition.released(clock.millis());
    record(settings, clients, CaptureNames.of(settings, connection), topics, clock, released);
  }

  private static void record(
      CaptureSettings settings,
      Map<String, Object> clients,
      CaptureNames names,
      KafkaTopics topics,
      Clock clock,
      WrittenPosition position) {
    KafkaChangeWriter.recordOnce(
        () -> new KafkaChangeWriter(settings, clients, names, topics, new CaptureProgress(), clock),
        position);
  }

  private interface Work<T> {
    T run(Connection connection) throws SQLException, InterruptedException;
  }

  /** Runs over a session that holds the change lock; the session's end gives it back. */
  private <T> T inTurn(String what, Work<T> work) {
    return inTurn(source, names, what, work);
  }

  private static <T> T inTurn(PgDatabase source, CaptureNames names, String what, Work<T> work) {
    try (Connection connection = source.open("capture change")) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("set lock_timeout to '" + LOCK_MAX.toSeconds() + "s'");
      }
      try (PreparedStatement statement =
          connection.prepareStatement("select pg_catalog.pg_advisory_lock(?)")) {
        statement.setLong(1, names.changeLock());
        statement.execute();
      }
      return work.run(connection);
    } catch (SQLException e) {
      throw PgSource.failure(what, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted: " + what, e);
    }
  }
}

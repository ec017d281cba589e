package io.tidemark.run;

import io.tidemark.apply.PgPositions;
import io.tidemark.apply.PgTargetPositions;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgOrigins;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.CapturedTable;
import io.tidemark.sync.JdbcSyncConfigurations.Deletion;
import io.tidemark.sync.SyncConfiguration;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Removes what deleted configurations have left in databases: another instance may have been at
 * work there at the time, or the database was away. Names what nobody here owns.
 *
 * <p>In a thread of its own, which a database that hangs holds up.
 */
final class Sweep implements AutoCloseable {
  private static final Logger LOG = System.getLogger(Sweep.class.getName());

  private static final Duration FIRST_AFTER = Duration.ofSeconds(5);
  private static final Duration LOOK_EVERY = Duration.ofSeconds(15);
  private static final Duration SWEEP_EVERY = Duration.ofHours(1);

  /** For so long after a deletion it is swept with every look: other instances end their work. */
  private static final Duration RECENT = Duration.ofMinutes(2);

  /** A target that was away at a deletion is expected back within this time. */
  private static final Duration REMEMBERED = Duration.ofDays(30);

  private static final Duration ANSWER_MAX = Duration.ofSeconds(30);

  /** A deletion waits for an execution to end, and for databases; this one lost its process. */
  private static final Duration DELETING_MAX = Duration.ofMinutes(3);

  private final Rooms rooms;
  private final Removal removal;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          work -> {
            Thread daemon = new Thread(work, "sweep");
            daemon.setDaemon(true);
            return daemon;
          });
  private final Set<String> told = new HashSet<>();
  private volatile List<String> warnings = List.of();
  private Instant sweepAt;

  Sweep(Rooms rooms, Removal removal) {
    this.rooms = rooms;
    this.removal = removal;
    sweepAt = rooms.clock().instant();
  }

  void start() {
    thread.scheduleWithFixedDelay(
        this::look, FIRST_AFTER.toMillis(), LOOK_EVERY.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** What nobody owns and may do harm, a sentence each with the remedy. */
  List<String> warnings() {
    return warnings;
  }

  private void look() {
    try {
      Instant now = rooms.clock().instant();
      finishDeletions(now.minus(DELETING_MAX));
      boolean isRecent = !rooms.configurations().deletedSince(now.minus(RECENT)).isEmpty();
      if (isRecent || !now.isBefore(sweepAt)) {
        sweepAt = now.plus(SWEEP_EVERY);
        sweep(now);
      }
    } catch (RuntimeException | Error e) {
      // The next look may come through; a scheduled task that throws would never run again.
      LOG.log(Level.WARNING, () -> "databases were not swept: " + e.getMessage());
    }
  }

  private void finishDeletions(Instant begunBefore) {
    for (SyncConfiguration one : rooms.configurations().deletingSinceBefore(begunBefore)) {
      String name = one.definition().name();
      try {
        removal.remove(one);
        rooms.configurations().delete(one.id());
        LOG.log(Level.INFO, () -> "the deletion of configuration '" + name + "' was finished");
      } catch (OperatingFailure e) {
        String waits = "the deletion of configuration '" + name + "' waits: " + e.getMessage();
        if (told.add(waits)) {
          LOG.log(Level.WARNING, waits);
        }
      }
    }
  }

  /** Sweeps every database that can be reached. */
  void sweep(Instant now) {
    rooms.configurations().forgetDeletionsBefore(now.minus(REMEMBERED));
    List<Deletion> deletions = rooms.configurations().deletedSince(now.minus(REMEMBERED));
    Map<String, PgDatabase> connections = rooms.connections().all();
    List<String> found = new ArrayList<>();
    connections.forEach(
        (name, database) -> {
          try {
            sweep(database, deletions, connections.keySet(), found);
          } catch (OperatingFailure e) {
            LOG.log(Level.DEBUG, () -> "'" + name + "' is swept later: " + e.getMessage());
          }
        });
    warnings = List.copyOf(found);
    found.stream().filter(told::add).forEach(one -> LOG.log(Level.WARNING, one));
  }

  private void sweep(
      PgDatabase database, List<Deletion> deletions, Set<String> connections, List<String> found) {
    String name = database.connection();
    try (PgSession session =
        PgSession.open(
            database, OperatingFailure.Kind.TARGET, "sweep", "connection '" + name + "'")) {
      session.answerWithin(ANSWER_MAX);
      Set<UUID> positions = PgTargetPositions.owners(session);
      Set<UUID> origins = PgOrigins.owners(session);
      for (Deletion deletion : deletions) {
        if (positions.contains(deletion.id())) {
          new PgPositions(session, deletion.id()).forget();
          removed(deletion, name, "its positions");
        }
        if (origins.contains(deletion.id())) {
          PgOrigins.drop(session, deletion.id());
          removed(deletion, name, "its replication origins");
        }
      }
      nameUnknown(session, name, found);
      for (String slot : rooms.tracker().unusedSlots(session, connections)) {
        found.add(
            ("connection '%s': nobody reads replication slot %s, which no connection of this"
                    + " installation has; it keeps the server's log from being removed. If no"
                    + " other installation of Tidemark has it: select"
                    + " pg_drop_replication_slot('%s')")
                .formatted(name, slot, slot));
      }
    }
    if (rooms.tracker().release(database, () -> wanted(name))) {
      LOG.log(
          Level.INFO,
          () -> "what deleted configurations had left at source '" + name + "' was removed");
    }
  }

  /** Positions that this installation has set and whose configurations its store does not know. */
  private void nameUnknown(PgSession session, String connection, List<String> found) {
    Set<UUID> unknown = PgTargetPositions.ownedBy(session, rooms.recordMarks().installation());
    unknown.removeAll(rooms.configurations().ids());
    Instant since = rooms.clock().instant().minus(REMEMBERED);
    rooms.configurations().deletedSince(since).forEach(deletion -> unknown.remove(deletion.id()));
    for (UUID id : unknown) {
      found.add(
          ("connection '%s': configuration %s has an applied position here, and the metadata"
                  + " database does not know it: it was restored from a backup, or the configuration"
                  + " was deleted while this database was away. Make the configuration again if it"
                  + " is needed, and remove what is left of this one: %s")
              .formatted(connection, id, String.join("; ", Removal.statementsToForget(id))));
    }
  }

  private static void removed(Deletion deletion, String connection, String what) {
    LOG.log(
        Level.INFO,
        () ->
            "what deleted configuration '%s' had left in '%s' was removed: %s"
                .formatted(deletion.name(), connection, what));
  }

  private Set<TableName> wanted(String connection) {
    return rooms.configurations().notDeleting().stream()
        .map(SyncConfiguration::definition)
        .flatMap(one -> one.captured().stream())
        .filter(one -> one.connection().equals(connection))
        .map(CapturedTable::table)
        .collect(Collectors.toSet());
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}

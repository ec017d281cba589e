package io.tidemark.run;

import io.tidemark.apply.PgTargetPositions;
import io.tidemark.apply.PgTargetPositions.Held;
import io.tidemark.apply.PositionBasis;
import io.tidemark.apply.TargetTable;
import io.tidemark.capture.TrackedTables;
import io.tidemark.capture.TrackingFault;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.PgWatch;
import io.tidemark.run.Assessment.Broken;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Watches what configurations depend on and others may change while they run: the tables, their
 * publication and replica identity at the source, the table and the positions at the target.
 *
 * <p>Nothing of it is remembered here: the target's position names the tracking and the table that
 * it depends on, so every instance, whenever it starts, comes to the same judgement.
 */
final class Assumptions implements AutoCloseable {
  private final Rooms rooms;
  private final Runnable changed;
  private final Map<String, PgWatch<TrackedTables>> sources = new HashMap<>();
  private final Map<String, PgWatch<PgTargetPositions>> targets = new HashMap<>();
  private final RecordMarks recordMarks;
  private final Map<String, Set<UUID>> recordsLost = new ConcurrentHashMap<>();
  private volatile Set<UUID> configurations = Set.of();

  /**
   * @param changed is told when a judgement may be another one
   */
  Assumptions(Rooms rooms, Runnable changed) {
    this.rooms = rooms;
    this.changed = changed;
    recordMarks = new RecordMarks(rooms.recordMarks());
  }

  /** Watches what these configurations depend on, and nothing else. */
  synchronized void follow(List<SyncConfiguration> all, Map<String, PgDatabase> connections) {
    List<SyncConfiguration> captured =
        all.stream()
            .filter(SyncConfiguration::isActive)
            .filter(one -> one.definition().needsCapture())
            .toList();
    Set<UUID> ids = captured.stream().map(SyncConfiguration::id).collect(Collectors.toSet());
    boolean isNew = !configurations.containsAll(ids);
    configurations = ids;
    follow(
        sources,
        captured.stream()
            .flatMap(one -> one.definition().captured().stream())
            .map(one -> one.connection())
            .collect(Collectors.toSet()),
        connections,
        database ->
            new PgWatch<>(
                database,
                OperatingFailure.Kind.SOURCE,
                session -> rooms.tracker().look(session, database.connection()),
                changed));
    follow(
        targets,
        captured.stream()
            .map(one -> one.definition().targetConnection())
            .collect(Collectors.toSet()),
        connections,
        database ->
            new PgWatch<>(
                database,
                OperatingFailure.Kind.TARGET,
                session -> lookAtTarget(session, database.connection()),
                changed));
    if (isNew) {
      targets.values().forEach(PgWatch::askNow);
    }
  }

  private PgTargetPositions lookAtTarget(PgSession session, String connection) {
    PgTargetPositions found = PgTargetPositions.look(session, configurations);
    recordsLost.put(connection, recordMarks.compare(session, found));
    return found;
  }

  /** The configurations of which the metadata database has lost records since the last copy. */
  Set<UUID> recordsLost() {
    return recordsLost.values().stream().flatMap(Set::stream).collect(Collectors.toSet());
  }

  private interface Watches<T> {
    PgWatch<T> of(PgDatabase database);
  }

  private static <T> void follow(
      Map<String, PgWatch<T>> watches,
      Set<String> needed,
      Map<String, PgDatabase> connections,
      Watches<T> make) {
    for (String name : List.copyOf(watches.keySet())) {
      PgWatch<T> watch = watches.get(name);
      if (!needed.contains(name) || !watch.database().equals(connections.get(name))) {
        watches.remove(name);
        watch.close();
      }
    }
    for (String name : needed) {
      PgDatabase database = connections.get(name);
      if (database != null && !watches.containsKey(name)) {
        PgWatch<T> watch = make.of(database);
        watches.put(name, watch);
        watch.start();
      }
    }
  }

  /** Has everything looked at now: an execution has ended. */
  synchronized void askNow() {
    sources.values().forEach(PgWatch::askNow);
    targets.values().forEach(PgWatch::askNow);
  }

  /** Has a target looked at now. */
  synchronized void askTarget(String connection) {
    PgWatch<PgTargetPositions> watch = targets.get(connection);
    if (watch != null) {
      watch.askNow();
    }
  }

  /** The assessment by the last looks. */
  synchronized Assessment of(SyncConfiguration configuration) {
    SyncDefinition definition = configuration.definition();
    PgWatch.Seen<PgTargetPositions> target = seen(targets, definition.targetConnection());
    if (target == null) {
      return unasked(definition);
    }
    if (target.failure() != null) {
      return new Assessment.Unreachable(target.failure());
    }
    List<Way> ways = ways(rooms, definition);
    PgTargetPositions positions = target.known().orElseThrow();
    if (isNeverInSync(configuration.id(), ways, positions)) {
      return new Assessment.NeverInSync(target.beganNanos());
    }
    Optional<Broken> broken = brokenTarget(configuration, ways, positions);
    if (broken.isPresent()) {
      return broken.get();
    }
    for (Way way : ways) {
      PgWatch.Seen<TrackedTables> source = seen(sources, way.connection());
      if (source == null && sources.containsKey(way.connection())) {
        return new Assessment.Unknown();
      }
      if (source == null) {
        // The connection cannot be opened, which its capture reports.
        continue;
      }
      // A source that does not answer is the capture's matter: what is in the topic can be applied.
      Optional<Broken> fault =
          source
              .known()
              .flatMap(
                  tables ->
                      brokenSource(
                          configuration, way, held(configuration, way, positions), tables));
      if (fault.isPresent()) {
        if (source.beganNanos() - target.beganNanos() < 0) {
          // A copy may have replaced both of them between the two looks.
          sources.get(way.connection()).askNow();
          return new Assessment.Unknown();
        }
        return fault.get();
      }
    }
    return new Assessment.Sound();
  }

  /** The target was not asked yet, or its connection cannot be opened. */
  private Assessment unasked(SyncDefinition definition) {
    if (!targets.containsKey(definition.targetConnection())) {
      try {
        rooms.target(definition);
      } catch (OperatingFailure e) {
        return new Assessment.Unreachable(e);
      }
    }
    return new Assessment.Unknown();
  }

  private static <T> PgWatch.@Nullable Seen<T> seen(
      Map<String, PgWatch<T>> watches, String connection) {
    PgWatch<T> watch = watches.get(connection);
    return watch == null ? null : watch.seen().orElse(null);
  }

  /**
   * Notes what positions depend on that an earlier release has set: what both databases have now.
   *
   * @param configuration one that is sound
   */
  synchronized void adopt(SyncConfiguration configuration) {
    SyncDefinition definition = configuration.definition();
    for (Way way : ways(rooms, definition)) {
      Optional<Held> held =
          Optional.ofNullable(seen(targets, definition.targetConnection()))
              .flatMap(PgWatch.Seen::known)
              .flatMap(positions -> positions.find(configuration.id(), way.topic()));
      Optional<String> id =
          Optional.ofNullable(seen(sources, way.connection()))
              .flatMap(PgWatch.Seen::known)
              .flatMap(tables -> tables.find(way.table()))
              .map(TrackedTables.TrackedTable::id)
              .filter(known -> !known.isEmpty());
      if (id.isPresent()
          && held.filter(one -> one.table() == PgTargetPositions.Table.UNKNOWN).isPresent()) {
        new AppliedPositions(rooms)
            .noteBasis(
                configuration, way.topic(), new PositionBasis(id.get(), definition.target()));
        askTarget(definition.targetConnection());
      }
    }
  }

  /** The assessment now: asks both databases. */
  static Assessment now(Rooms rooms, SyncConfiguration configuration) {
    SyncDefinition definition = configuration.definition();
    List<Way> ways = ways(rooms, definition);
    PgTargetPositions positions =
        ask(
            rooms.target(definition),
            OperatingFailure.Kind.TARGET,
            session -> PgTargetPositions.look(session, List.of(configuration.id())));
    if (isNeverInSync(configuration.id(), ways, positions)) {
      return new Assessment.NeverInSync(System.nanoTime());
    }
    Optional<Broken> broken = brokenTarget(configuration, ways, positions);
    for (Way way : ways) {
      if (broken.isEmpty()) {
        TrackedTables tables =
            ask(
                rooms.database(way.connection()),
                OperatingFailure.Kind.SOURCE,
                session -> rooms.tracker().look(session, way.connection()));
        broken = brokenSource(configuration, way, held(configuration, way, positions), tables);
      }
    }
    return broken.isPresent() ? broken.get() : new Assessment.Sound();
  }

  private static <T> T ask(
      PgDatabase database, OperatingFailure.Kind side, PgWatch.Question<T> question) {
    try (PgSession session =
        PgSession.open(database, side, "look", "connection '" + database.connection() + "'")) {
      return question.ask(session);
    }
  }

  /** A topic and the table that fills it. */
  private record Way(String topic, String connection, TableName table) {}

  private static List<Way> ways(Rooms rooms, SyncDefinition definition) {
    Way there =
        new Way(rooms.topic(definition), definition.sourceConnection(), definition.source());
    return definition.bidirectional()
        ? List.of(
            there,
            new Way(
                rooms.topicBack(definition), definition.targetConnection(), definition.target()))
        : List.of(there);
  }

  private static Held held(SyncConfiguration configuration, Way way, PgTargetPositions positions) {
    return positions.find(configuration.id(), way.topic()).orElseThrow();
  }

  private static boolean isNeverInSync(UUID id, List<Way> ways, PgTargetPositions positions) {
    return ways.stream().anyMatch(way -> positions.find(id, way.topic()).isEmpty());
  }

  private static Optional<Broken> brokenTarget(
      SyncConfiguration configuration, List<Way> ways, PgTargetPositions positions) {
    SyncDefinition definition = configuration.definition();
    TargetTable table = new TargetTable(definition.targetConnection(), definition.target());
    List<OperatingFailure> failures = new ArrayList<>();
    boolean isReplaced = false;
    for (Way way : ways) {
      switch (held(configuration, way, positions).table()) {
        case SAME, UNKNOWN -> {}
        case MISSING -> failures.add(table.missing());
        case REPLACED -> {
          failures.add(table.replaced());
          isReplaced = true;
        }
      }
    }
    if (failures.isEmpty()) {
      return Optional.empty();
    }
    OperatingFailure first = failures.get(0);
    String reason = String.valueOf(first.getMessage());
    return Optional.of(
        isReplaced
            ? new Broken(reason, copyRemedy(definition), true)
            : new Broken(reason, first.hint().orElse(""), false));
  }

  private static Optional<Broken> brokenSource(
      SyncConfiguration configuration, Way way, Held held, TrackedTables tables) {
    return tables
        .faultOf(way.table(), held.trackingId())
        .filter(
            fault ->
                !fault.removesOnly()
                    || configuration.definition().deleteHandling() != DeleteHandling.IGNORE)
        .map(fault -> broken(configuration.definition(), way, fault));
  }

  private static Broken broken(SyncDefinition definition, Way way, TrackingFault fault) {
    String reason = "at connection '" + way.connection() + "', " + fault.reason();
    return fault.missesChanges()
        ? new Broken(reason, copyRemedy(definition), true)
        : new Broken(reason, fault.remedy(), false);
  }

  private static String copyRemedy(SyncDefinition definition) {
    return definition.beginsWithMerge()
        ? "execute this configuration with mode merge"
        : "execute this configuration with mode full";
  }

  @Override
  public synchronized void close() {
    sources.values().forEach(PgWatch::close);
    targets.values().forEach(PgWatch::close);
    sources.clear();
    targets.clear();
  }
}

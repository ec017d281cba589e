package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.ApplyPlan;
import io.tidemark.apply.ApplyProgress;
import io.tidemark.apply.ApplyState;
import io.tidemark.apply.KafkaApplyLoop;
import io.tidemark.apply.PgPositions;
import io.tidemark.change.OperatingFailure;
import io.tidemark.conflict.DetectionChoice;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.JdbcMappings;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.SyncState;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TrackedPartition;
import io.tidemark.sync.TwoWayDrift;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One continuous configuration in this process: first it waits for the target to be in step, then
 * its apply loop runs. Used by the reconciling thread, read by others.
 */
final class Stream implements AutoCloseable {
  /** What it is doing, in the user's words. */
  record Condition(SyncState state, @Nullable String reason) {}

  private final Rooms rooms;
  private final SyncConfiguration configuration;
  private final Runnable changed;
  private volatile @Nullable KafkaApplyLoop loop;
  private volatile Map<String, TrackedPartition> lastTracked = Map.of();
  private volatile @Nullable OperatingFailure obstacle;

  /**
   * @param changed is told each time its condition may be another one
   */
  Stream(Rooms rooms, SyncConfiguration configuration, Runnable changed) {
    this.rooms = rooms;
    this.configuration = configuration;
    this.changed = changed;
  }

  SyncConfiguration configuration() {
    return configuration;
  }

  Optional<KafkaApplyLoop> loop() {
    return Optional.ofNullable(loop);
  }

  /** Whether the target has a position to go on from; also starts the loop when it has. */
  boolean startIfInStep() {
    KafkaApplyLoop running = loop;
    if (running != null && !running.lacksPosition()) {
      return true;
    }
    try {
      if (!isInStep()) {
        return false;
      }
    } catch (OperatingFailure e) {
      obstacle = e;
      return true;
    }
    obstacle = null;
    if (running != null) {
      // It looks for its position again by itself.
      return true;
    }
    lastTracked =
        rooms.tracking().of(configuration.id()).stream()
            .collect(Collectors.toMap(Stream::name, Function.identity()));
    KafkaApplyLoop started = rooms.loop(configuration, this::plan);
    started.start(changed);
    loop = started;
    return true;
  }

  boolean isInStep() {
    try (PgSession session =
        PgSession.open(
            rooms.target(configuration.definition()),
            OperatingFailure.Kind.TARGET,
            "position",
            "positions")) {
      PgPositions positions = new PgPositions(session, configuration.id());
      positions.ensureTable();
      SyncDefinition definition = configuration.definition();
      return !positions.find(rooms.topic(definition)).isEmpty()
          && (!definition.bidirectional()
              || !positions.find(rooms.topicBack(definition)).isEmpty());
    }
  }

  /**
   * As both databases have it, or as they last had it while one of them does not answer: what is in
   * the topic can be written without the source.
   */
  private ApplyPlan plan() {
    if (configuration.definition().bidirectional()) {
      return planBothWays();
    }
    try {
      ApplyPlan plan = rooms.plan(configuration);
      rooms.mappings().planned(configuration, plan.mapping());
      return plan;
    } catch (OperatingFailure e) {
      TableMapping mapping = rooms.mappings().find(configuration).orElseThrow(() -> e);
      DetectionChoice detection =
          rooms
              .configurations()
              .find(configuration.id())
              .flatMap(SyncConfiguration::detectionChoice)
              .orElseThrow(() -> e);
      Acceptance.Accepted last = new Acceptance.Accepted(mapping, detection, List.of());
      return new ApplyPlan(mapping, rooms.policy(configuration, last));
    }
  }

  /** Both databases are needed, as they are, and neither may have changed without the other. */
  private ApplyPlan planBothWays() {
    Optional<JdbcMappings.Last> last = rooms.mappings().last(configuration);
    ApplyPlan plan = rooms.plan(configuration);
    last.ifPresent(
        one -> TwoWayDrift.requireNone(configuration.definition(), one.mapping(), plan.mapping()));
    rooms.mappings().copied(configuration, plan.mapping());
    return plan;
  }

  /**
   * Empty while the group has given all partitions to other instances, or is about to give some.
   */
  Optional<Condition> condition() {
    OperatingFailure inTheWay = obstacle;
    if (inTheWay != null) {
      return Optional.of(new Condition(SyncState.FAILED, sentence(inTheWay)));
    }
    KafkaApplyLoop running = loop;
    if (running == null) {
      return Optional.empty();
    }
    ApplyState state = running.state();
    if (state instanceof ApplyState.Retrying retrying) {
      String remedy = retrying.remedy().isEmpty() ? "" : "; " + retrying.remedy();
      return Optional.of(new Condition(SyncState.FAILED, retrying.reason() + remedy));
    }
    return state instanceof ApplyState.Running
        ? Optional.of(new Condition(SyncState.STREAMING, null))
        : Optional.empty();
  }

  private static String sentence(OperatingFailure failure) {
    return failure.getMessage() + failure.hint().map(hint -> "; " + hint).orElse("");
  }

  /** Where the partitions stand that this process holds now. */
  List<TrackedPartition> current() {
    KafkaApplyLoop running = loop;
    if (running == null) {
      return List.of();
    }
    Instant now = rooms.clock().instant();
    List<TrackedPartition> current =
        running.progress().partitions().stream()
            .map(partition -> tracked(running.progress(), partition, now))
            .toList();
    Map<String, TrackedPartition> last = new TreeMap<>();
    if (running.state() instanceof ApplyState.Retrying) {
      last.putAll(lastTracked);
    }
    current.forEach(one -> last.put(name(one), one));
    if (!last.isEmpty()) {
      lastTracked = last;
    }
    return current;
  }

  /**
   * The same, plus the partitions that a failing stream has given up, as they were last known:
   * their lag grows with time.
   */
  List<TrackedPartition> tracked() {
    List<TrackedPartition> current = current();
    KafkaApplyLoop running = loop;
    if (running == null || !(running.state() instanceof ApplyState.Retrying)) {
      return current;
    }
    Instant now = rooms.clock().instant();
    return lastTracked.values().stream().map(one -> one.agedTo(now)).toList();
  }

  private static String name(TrackedPartition one) {
    return one.topic() + "-" + one.partition();
  }

  /** Behind the topic, or as far as the topic is behind the source. */
  private TrackedPartition tracked(
      ApplyProgress progress, ApplyProgress.Partition partition, Instant now) {
    String connection = configuration.definition().sourceConnection();
    double lagSeconds =
        Math.max(
            progress.lagSeconds(partition, now),
            rooms.tracker().secondsBehind(connection).orElse(0));
    AppliedPosition position = partition.position();
    long lsn = position.source().commitLsn();
    return new TrackedPartition(
        configuration.id(),
        position.topic(),
        position.partition(),
        null,
        lsn == 0 ? null : lsn,
        partition.endOffset(),
        partition.consumedOffset(),
        partition.lagEvents(),
        lagSeconds,
        now);
  }

  @Override
  public void close() {
    KafkaApplyLoop running = loop;
    if (running != null) {
      running.close();
    }
  }
}

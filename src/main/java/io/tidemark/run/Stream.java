package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.ApplyPlan;
import io.tidemark.apply.ApplyProgress;
import io.tidemark.apply.ApplyState;
import io.tidemark.apply.KafkaApplyLoop;
import io.tidemark.capture.CaptureState;
import io.tidemark.change.OperatingFailure;
import io.tidemark.conflict.DetectionChoice;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.JdbcMappings;
import io.tidemark.sync.SyncConfiguration;
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
 * One continuous configuration in this process: its apply loop runs while the target has positions
 * to go on from and nothing that it depends on was changed. Used by the reconciling thread, read by
 * others.
 */
final class Stream implements AutoCloseable {
  /** What it is doing, in the user's words. */
  record Condition(SyncState state, @Nullable String reason) {}

  private final Rooms rooms;
  private final SyncConfiguration configuration;
  private final Runnable changed;
  private volatile @Nullable KafkaApplyLoop loop;
  private volatile Map<String, TrackedPartition> lastTracked = Map.of();
  private volatile @Nullable ApplyProgress progress;
  private volatile @Nullable String obstacle;
  private @Nullable PgDatabase source;
  private @Nullable PgDatabase target;

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

  /** What the loop has done; the last one's if none runs now. Empty before the first. */
  Optional<ApplyProgress> progress() {
    return Optional.ofNullable(progress);
  }

  /**
   * Goes on from the target's positions, unless it does already.
   *
   * @param sourceNow null if the connection cannot be opened: the topic is applied without it
   */
  void start(@Nullable PgDatabase sourceNow, @Nullable PgDatabase targetNow) {
    obstacle = null;
    if (loop != null) {
      // One that has lost its position looks for it again by itself.
      return;
    }
    lastTracked =
        rooms.tracking().of(configuration.id()).stream()
            .collect(Collectors.toMap(Stream::name, Function.identity()));
    source = sourceNow;
    target = targetNow;
    KafkaApplyLoop started = rooms.loop(configuration, this::plan);
    started.start(changed);
    progress = started.progress();
    loop = started;
  }

  /** Stops, and says why, until it is started again: what it depends on was changed. */
  void stop(Assessment.Broken broken) {
    close();
    obstacle = broken.sentence();
  }

  /** The target does not answer; a loop that runs knows better, and says so itself. */
  void await(OperatingFailure failure) {
    obstacle = loop == null ? sentence(failure) : null;
  }

  /** The target holds no positions: a copy is on its way, and its state is that of this stream. */
  void awaitCopy() {
    obstacle = null;
  }

  /** Whether only a first copy gets it going. */
  boolean lacksPosition() {
    KafkaApplyLoop running = loop;
    return running == null || running.lacksPosition();
  }

  /** Whether a connection is another one than that with which it runs. */
  boolean usesOthersThan(PgDatabase sourceNow, PgDatabase targetNow) {
    return loop != null && !(sourceNow.equals(source) && targetNow.equals(target));
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
    String inTheWay = obstacle;
    if (inTheWay != null) {
      return Optional.of(new Condition(SyncState.FAILED, inTheWay));
    }
    Optional<CaptureState> ended =
        rooms
            .tracker()
            .state(configuration.definition().sourceConnection())
            .filter(capture -> capture.phase() == CaptureState.Phase.FAILED);
    if (ended.isPresent()) {
      return Optional.of(new Condition(SyncState.FAILED, sentence(ended.get())));
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

  private String sentence(CaptureState capture) {
    return "the capture of connection '"
        + configuration.definition().sourceConnection()
        + "' has ended: "
        + capture.reason()
        + (capture.remedy() == null ? "" : "; " + capture.remedy());
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
    if (running != null && !(running.state() instanceof ApplyState.Retrying)) {
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
      current();
      loop = null;
      running.close();
    }
  }
}

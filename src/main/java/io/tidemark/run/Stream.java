package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.ApplyProgress;
import io.tidemark.apply.ApplyState;
import io.tidemark.apply.KafkaApplyLoop;
import io.tidemark.apply.PgPositions;
import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.PgSession;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncState;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TrackedPartition;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
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
  private volatile @Nullable KafkaApplyLoop loop;
  private @Nullable TableMapping lastMapping;
  private volatile @Nullable OperatingFailure obstacle;

  Stream(Rooms rooms, SyncConfiguration configuration) {
    this.rooms = rooms;
    this.configuration = configuration;
  }

  SyncConfiguration configuration() {
    return configuration;
  }

  Optional<KafkaApplyLoop> loop() {
    return Optional.ofNullable(loop);
  }

  /** Whether the target has a position to go on from; also starts the loop when it has. */
  boolean startIfInStep() {
    if (loop != null) {
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
    KafkaApplyLoop started =
        new KafkaApplyLoop(
            rooms.task(configuration),
            this::mapping,
            rooms.kafka(),
            rooms.apply(),
            rooms.parkedRows().of(configuration),
            rooms.clock());
    started.start();
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
      return !positions.find(rooms.topic(configuration.definition())).isEmpty();
    }
  }

  /** As both databases have it, or as they last had it while one of them does not answer. */
  private TableMapping mapping() {
    try {
      TableMapping mapping = rooms.accepted(configuration).mapping();
      lastMapping = mapping;
      return mapping;
    } catch (OperatingFailure e) {
      TableMapping last = lastMapping;
      if (last == null) {
        throw e;
      }
      return last;
    }
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

  /** Where the partitions that this process holds stand. */
  List<TrackedPartition> tracked() {
    KafkaApplyLoop running = loop;
    if (running == null) {
      return List.of();
    }
    Instant now = rooms.clock().instant();
    return running.progress().partitions().values().stream()
        .map(partition -> tracked(partition, running.progress().lagSeconds(now), now))
        .toList();
  }

  private TrackedPartition tracked(
      ApplyProgress.Partition partition, double lagSeconds, Instant now) {
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

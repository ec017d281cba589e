package io.tidemark.apply;

import java.time.InstantSource;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Keeps one configuration's target up with its topic, in one thread or in several, which then share
 * the topic's partitions as instances do. Whatever fails is tried again, and said in {@link
 * #state()} meanwhile.
 */
public final class KafkaApplyLoop implements AutoCloseable {
  /** Asks both databases how to write, each time a thread starts over. */
  public interface Plans {
    ApplyPlan current();
  }

  private final ApplyProgress progress;
  private final List<KafkaApplyThread> threads;

  private KafkaApplyLoop(ApplyProgress progress, List<KafkaApplyThread> threads) {
    this.progress = progress;
    this.threads = threads;
  }

  /** A loop from a source's topic to a target. */
  public static KafkaApplyLoop oneWay(
      ApplyTask task,
      Plans plans,
      Map<String, Object> kafka,
      ApplySettings settings,
      ApplyPorts ports,
      InstantSource clock) {
    Map<String, Object> clients = Map.copyOf(kafka);
    ApplyProgress progress = new ApplyProgress();
    List<KafkaApplyThread> threads =
        IntStream.range(0, settings.sessions())
            .mapToObj(
                number ->
                    new KafkaApplyThread(
                        task.topic(),
                        () ->
                            KafkaApplySession.open(
                                task,
                                number,
                                plans.current(),
                                clients,
                                settings,
                                ports,
                                progress,
                                clock),
                        settings,
                        clock))
            .toList();
    return new KafkaApplyLoop(progress, threads);
  }

  /** A loop that keeps two tables in step in both directions. */
  public static KafkaApplyLoop twoWay(
      TwoWayTask task,
      Plans plans,
      Map<String, Object> kafka,
      ApplySettings settings,
      ApplyPorts ports,
      InstantSource clock) {
    Map<String, Object> clients = Map.copyOf(kafka);
    ApplyProgress progress = new ApplyProgress();
    KafkaApplyThread thread =
        new KafkaApplyThread(
            task.sourceTopic(),
            () -> KafkaTwoWaySession.open(task, plans, clients, settings, ports, progress, clock),
            settings,
            clock);
    return new KafkaApplyLoop(progress, List.of(thread));
  }

  public void start() {
    start(() -> {});
  }

  /**
   * @param changed is told each time {@link #state()} may be another one; not to wait for anything
   */
  public void start(Runnable changed) {
    threads.forEach(thread -> thread.start(changed));
  }

  /**
   * What the thread does of which a person would want to know first: one that fails before those
   * that run, and one that runs before those that wait for partitions.
   */
  public ApplyState state() {
    return threads.stream()
        .map(KafkaApplyThread::state)
        .min(Comparator.comparingInt(KafkaApplyLoop::urgency))
        .orElseThrow();
  }

  private static int urgency(ApplyState state) {
    if (state instanceof ApplyState.Retrying) {
      return 0;
    }
    if (state instanceof ApplyState.Running) {
      return 1;
    }
    return state instanceof ApplyState.Starting ? 2 : 3;
  }

  /** Whether the target has lost its position, so that it needs a full copy to go on. */
  public boolean lacksPosition() {
    return threads.stream()
        .map(KafkaApplyThread::state)
        .anyMatch(
            state ->
                state instanceof ApplyState.Retrying retrying
                    && retrying.code().equals(KafkaApplySession.NO_POSITION));
  }

  public ApplyProgress progress() {
    return progress;
  }

  /** Stops after the batches in flight; idempotent. */
  @Override
  public void close() {
    threads.forEach(KafkaApplyThread::stop);
    threads.forEach(KafkaApplyThread::close);
  }
}

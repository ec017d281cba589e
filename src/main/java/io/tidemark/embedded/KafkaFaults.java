package io.tidemark.embedded;

import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.utils.Exit;
import org.jspecify.annotations.Nullable;

/**
 * What a broker wanted to end the process for. On a fatal fault Kafka exits or halts its JVM, which
 * is ours; here that becomes a failure that can be asked for.
 *
 * <p>The hooks are static in Kafka and stay for the life of the JVM: a late thread of a broker
 * already closed must not halt the service either.
 */
final class KafkaFaults implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(KafkaFaults.class.getName());
  private static final Set<KafkaFaults> WATCHING = ConcurrentHashMap.newKeySet();

  private final AtomicReference<String> first = new AtomicReference<>();

  private KafkaFaults() {}

  static KafkaFaults watch() {
    Exit.setExitProcedure((status, message) -> record("exit", status, message));
    Exit.setHaltProcedure((status, message) -> record("halt", status, message));
    KafkaFaults faults = new KafkaFaults();
    WATCHING.add(faults);
    return faults;
  }

  private static void record(String action, int status, @Nullable String message) {
    String fault =
        "The embedded Kafka broker met a fatal fault (%s %d, thread %s, message %s)."
                .formatted(action, status, Thread.currentThread().getName(), message)
            + " Its log tells the cause. Restart Tidemark.";
    LOG.log(System.Logger.Level.ERROR, fault);
    WATCHING.forEach(watching -> watching.first.compareAndSet(null, fault));
  }

  /** The first fault since the watch began; Kafka does not say which broker of a JVM it was. */
  Optional<String> failure() {
    return Optional.ofNullable(first.get());
  }

  @Override
  public void close() {
    WATCHING.remove(this);
  }
}

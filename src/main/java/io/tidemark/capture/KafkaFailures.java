package io.tidemark.capture;

import io.tidemark.change.OperatingFailure;
import java.util.Optional;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.RetriableException;

/** What failures of Kafka's clients mean to whoever has to mend them. */
final class KafkaFailures {
  private static final String CLIENTS = KafkaException.class.getPackageName();

  private KafkaFailures() {}

  /** What Kafka's clients said first, if that is what the failure comes down to. */
  static Optional<OperatingFailure> in(Throwable failure) {
    Optional<OperatingFailure> first = Optional.empty();
    for (Throwable at = failure; at != null; at = at.getCause()) {
      // Debezium throws Connect's exceptions, which are of this family, for failures of its own.
      if (at instanceof KafkaException kafka
          && kafka.getClass().getPackageName().startsWith(CLIENTS)) {
        first = Optional.of(of(kafka, failure));
      }
    }
    return first;
  }

  private static OperatingFailure of(KafkaException kafka, Throwable failure) {
    return new OperatingFailure(
        OperatingFailure.Kind.BROKER,
        "broker_failed",
        "Kafka: " + kafka.getMessage() + " (" + kafka.getClass().getSimpleName() + ")",
        kafka instanceof RetriableException
            ? "Check that the brokers are up and reachable; it is tried again by itself."
            : "It is tried again by itself; if it stays, look into the brokers' logs.",
        failure);
  }
}

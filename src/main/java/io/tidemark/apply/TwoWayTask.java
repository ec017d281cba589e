package io.tidemark.apply;

import io.tidemark.postgres.PgDatabase;
import java.util.UUID;

/**
 * What a loop in both directions does. Each topic has one partition.
 *
 * @param there what the source's users change, to the target
 * @param back what the target's users change, to the source
 */
public record TwoWayTask(ApplyTask there, ApplyTask back) {
  /** Whose changes these are. */
  UUID configuration() {
    return there.configuration();
  }

  PgDatabase source() {
    return back.target();
  }

  PgDatabase target() {
    return there.target();
  }

  String sourceTopic() {
    return there.topic();
  }

  String targetTopic() {
    return back.topic();
  }

  /** Changes of both sides together per transaction at most, 1 to 50 000. */
  int batchSize() {
    return there.batchSize();
  }
}

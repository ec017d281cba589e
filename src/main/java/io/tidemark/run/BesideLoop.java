package io.tidemark.run;

import io.tidemark.apply.KafkaApplyLoop;
import io.tidemark.sync.SyncConfiguration;
import java.util.function.Supplier;

/** Runs work that leaves something to a configuration's loop, where none runs in this process. */
final class BesideLoop {
  private BesideLoop() {}

  /** The loop runs for as long as the work does. */
  static <T> T run(Rooms rooms, SyncConfiguration configuration, Supplier<T> work) {
    try (KafkaApplyLoop own = rooms.loop(configuration, () -> rooms.plan(configuration))) {
      own.start();
      return work.get();
    }
  }
}

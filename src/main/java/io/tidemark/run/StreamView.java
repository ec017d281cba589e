package io.tidemark.run;

import io.tidemark.apply.ApplyProgress;
import io.tidemark.sync.TrackedPartition;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * A stream of this process, for metrics.
 *
 * @param lagEvents records not applied yet; of a stream that fails, as far as it has seen them
 * @param lagSeconds since the target was last known to be in step
 */
public record StreamView(
    UUID configuration, String name, ApplyProgress progress, long lagEvents, double lagSeconds) {
  static Optional<StreamView> of(Stream stream) {
    List<TrackedPartition> tracked = stream.tracked();
    return stream
        .progress()
        .map(
            progress ->
                new StreamView(
                    stream.configuration().id(),
                    stream.configuration().definition().name(),
                    progress,
                    tracked.stream().mapToLong(TrackedPartition::lagEvents).sum(),
                    tracked.stream().mapToDouble(TrackedPartition::lagSeconds).max().orElse(0)));
  }
}

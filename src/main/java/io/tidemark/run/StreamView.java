package io.tidemark.run;

import io.tidemark.apply.ApplyProgress;
import java.util.Optional;
import java.util.UUID;

/**
 * A stream that runs in this process, for metrics.
 *
 * @param lagSeconds since the target was last known to be in step
 */
public record StreamView(
    UUID configuration, String name, ApplyProgress progress, double lagSeconds) {
  static Optional<StreamView> of(Stream stream) {
    return stream
        .loop()
        .map(
            loop ->
                new StreamView(
                    stream.configuration().id(),
                    stream.configuration().definition().name(),
                    loop.progress(),
                    stream.lagSeconds()));
  }
}

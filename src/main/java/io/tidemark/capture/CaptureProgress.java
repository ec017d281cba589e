package io.tidemark.capture;

import io.tidemark.capture.WrittenPosition.Phase;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** How far a capture of this instance has come. Written by one thread, read by any. */
final class CaptureProgress {
  private volatile @Nullable WrittenPosition written;
  private final AtomicLong changes = new AtomicLong();

  void written(WrittenPosition position, long changesMore) {
    written = position.phase() == Phase.WRITTEN ? position : null;
    changes.addAndGet(changesMore);
  }

  Optional<WrittenPosition> written() {
    return Optional.ofNullable(written);
  }

  /** Changes written since this instance started. */
  long changes() {
    return changes.get();
  }
}

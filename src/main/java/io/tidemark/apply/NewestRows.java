package io.tidemark.apply;

import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import java.util.Collection;
import java.util.Map;

/**
 * The source's rows as they are now, for changes that came without all values and whose row the
 * target does not have.
 */
public interface NewestRows {
  /**
   * The rows of these keys, in the target's column names and the mapping's order; a key that the
   * source has no more is left out.
   *
   * @throws io.tidemark.change.OperatingFailure if the source does not answer
   */
  Map<RowKey, Row> of(Collection<RowKey> keys);
}

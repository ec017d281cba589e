package io.tidemark.apply;

import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import java.util.Collection;
import java.util.Map;

/** The source's rows as they are now with every column, whether or not the filter takes them. */
public interface WholeRows {
  /**
   * The rows of these keys; a key that the source has no more is left out.
   *
   * @throws io.tidemark.change.OperatingFailure if the source does not answer
   */
  Map<RowKey, Row> of(Collection<RowKey> keys);
}

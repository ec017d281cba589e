package io.tidemark.change;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The values that tell one row of a table from every other, in the order of the table's key
 * columns, as PostgreSQL's own text. That text is the same for equal values of one type, so keys
 * compare as texts.
 */
public final class RowKey {
  private final @Nullable String[] values;
  private final int hash;

  private RowKey(@Nullable String[] values) {
    this.values = values;
    this.hash = Arrays.hashCode(values);
  }

  /** A key over these values, at least one; the array is not copied. */
  public static RowKey of(@Nullable String... values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("a key has at least one value");
    }
    return new RowKey(values);
  }

  public int size() {
    return values.length;
  }

  public @Nullable String value(int index) {
    return values[index];
  }

  public List<@Nullable String> values() {
    return Arrays.asList(values.clone());
  }

  @Override
  public boolean equals(Object other) {
    return other == this || other instanceof RowKey that && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return hash;
  }

  @Override
  public String toString() {
    return "RowKey[" + values.length + " values]";
  }
}

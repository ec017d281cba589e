package io.tidemark.apply;

import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One row's new values in the order of the mapping's columns.
 *
 * @param values PostgreSQL's text, null, or {@link Row#ABSENT}
 */
record TargetRow(RowKey key, @Nullable String[] values) {
  boolean isComplete() {
    for (String value : values) {
      if (value == Row.ABSENT) {
        return false;
      }
    }
    return true;
  }

  /** This row with absent values taken from an earlier one of the same key. */
  TargetRow completedBy(TargetRow earlier) {
    if (isComplete()) {
      return this;
    }
    @Nullable String[] completed = values.clone();
    for (int i = 0; i < completed.length; i++) {
      if (completed[i] == Row.ABSENT) {
        completed[i] = earlier.values[i];
      }
    }
    return new TargetRow(key, completed);
  }

  /** Which columns have a value: one character each, so that rows alike can be grouped. */
  String presence() {
    char[] mask = new char[values.length];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = values[i] == Row.ABSENT ? '-' : 'x';
    }
    return new String(mask);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TargetRow that
        && key.equals(that.key)
        && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return key.hashCode();
  }

  @Override
  public String toString() {
    return "TargetRow[" + key + "]";
  }
}

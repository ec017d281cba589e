package io.tidemark.change;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A row's values as PostgreSQL's own text, one for each column of its shape. A value is a text, SQL
 * null, or absent: the source did not send it (an unchanged large value), which is not the same as
 * null.
 */
public final class Row {
  /**
   * Stands for a value that the source did not send.
   *
   * <p>INVARIANT: compared by identity, so that a row whose text happens to read the same stays a
   * value.
   */
  public static final String ABSENT = new String("absent");

  private final RowShape shape;
  private final @Nullable String[] values;

  private Row(RowShape shape, @Nullable String[] values) {
    this.shape = shape;
    this.values = values;
  }

  /**
   * A row over these values. The array is not copied: rows are made by the hundred thousand per
   * second, and their makers give the array away.
   */
  public static Row of(RowShape shape, @Nullable String... values) {
    if (shape.size() != values.length) {
      throw new IllegalArgumentException("each column has one value");
    }
    return new Row(shape, values);
  }

  public RowShape shape() {
    return shape;
  }

  /** The text of the column at this index, or null for SQL null. */
  public @Nullable String value(int index) {
    return values[index];
  }

  /** Whether the source sent no value for the column at this index. */
  public boolean isAbsent(int index) {
    return values[index] == ABSENT;
  }

  /** Whether every column has a value. */
  public boolean isComplete() {
    for (String value : values) {
      if (value == ABSENT) {
        return false;
      }
    }
    return true;
  }

  /** This row with each absent value taken from an earlier one of the same shape. */
  public Row completedBy(Row earlier) {
    if (isComplete() || !shape.equals(earlier.shape)) {
      return this;
    }
    @Nullable String[] completed = values.clone();
    for (int i = 0; i < completed.length; i++) {
      if (completed[i] == ABSENT) {
        completed[i] = earlier.values[i];
      }
    }
    return new Row(shape, completed);
  }

  @Override
  public boolean equals(Object other) {
    if (!(other instanceof Row that) || !shape.equals(that.shape)) {
      return false;
    }
    for (int i = 0; i < values.length; i++) {
      if (isAbsent(i) != that.isAbsent(i)) {
        return false;
      }
    }
    return Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return 31 * shape.hashCode() + Arrays.hashCode(values);
  }

  /** The columns alone: a row's values never reach a log. */
  @Override
  public String toString() {
    return "Row" + shape;
  }
}

package io.tidemark.change;

import java.util.Arrays;
import java.util.List;

/**
 * The columns that the rows of one table (at one version of its schema) share, in the order in
 * which the source sends them.
 */
public final class RowShape {
  private final String[] columns;
  private final ValueKind[] kinds;

  private RowShape(String[] columns, ValueKind[] kinds) {
    this.columns = columns;
    this.kinds = kinds;
  }

  /** A shape of columns with the kind of each, both of one length. */
  public static RowShape of(List<String> columns, List<ValueKind> kinds) {
    if (columns.size() != kinds.size()) {
      throw new IllegalArgumentException("each column has one kind");
    }
    return new RowShape(columns.toArray(String[]::new), kinds.toArray(ValueKind[]::new));
  }

  /** A shape of columns whose values are all read as text. */
  public static RowShape ofText(List<String> columns) {
    ValueKind[] kinds = new ValueKind[columns.size()];
    Arrays.fill(kinds, ValueKind.TEXT);
    return new RowShape(columns.toArray(String[]::new), kinds);
  }

  public int size() {
    return columns.length;
  }

  public String column(int index) {
    return columns[index];
  }

  public ValueKind kind(int index) {
    return kinds[index];
  }

  public List<String> columns() {
    return List.of(columns);
  }

  /** The column's index, or -1. Linear: callers keep the answer per shape, not per row. */
  public int indexOf(String column) {
    for (int i = 0; i < columns.length; i++) {
      if (columns[i].equals(column)) {
        return i;
      }
    }
    return -1;
  }

  /** Shapes are equal by their columns; the kinds only say how to write them. */
  @Override
  public boolean equals(Object other) {
    return other == this || other instanceof RowShape that && Arrays.equals(columns, that.columns);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(columns);
  }

  @Override
  public String toString() {
    return Arrays.toString(columns);
  }
}

package io.tidemark.apply;

import io.tidemark.change.Change;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.sync.TableMapping;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Picks a mapping's columns out of a change's rows. Remembers where the last shape has them; of
 * threads that use it at the same time each finds that out for itself.
 */
final class Projection {
  private static final Places NOWHERE = new Places(RowShape.ofText(List.of()), new int[0]);

  private final List<String> columns;
  private final List<String> key;
  private Places rowPlaces = NOWHERE;
  private Places rowKeyPlaces = NOWHERE;
  private Places basePlaces = NOWHERE;
  private Places keyPlaces = NOWHERE;

  /** Where a shape has some columns; whole for every thread that sees it, as it does not change. */
  private record Places(RowShape shape, int[] indexes) {
    Places in(RowShape other, List<String> names) {
      return other == shape
          ? this
          : new Places(other, names.stream().mapToInt(other::indexOf).toArray());
    }
  }

  Projection(TableMapping mapping) {
    columns = mapping.columns().stream().map(pair -> pair.source().name()).toList();
    key = mapping.key().stream().map(pair -> pair.source().name()).toList();
  }

  /** The mapped columns' values; a column that the row does not have is absent. */
  TargetRow row(Row row) {
    Places all = rowPlaces.in(row.shape(), columns);
    Places some = rowKeyPlaces.in(row.shape(), key);
    rowPlaces = all;
    rowKeyPlaces = some;
    return new TargetRow(key(row, some), pick(row, all));
  }

  /** The mapped columns' values of an earlier row, or null if the source did not send them all. */
  @Nullable String @Nullable [] base(Row earlier) {
    Places all = basePlaces.in(earlier.shape(), columns);
    basePlaces = all;
    @Nullable String[] values = pick(earlier, all);
    for (String value : values) {
      if (value == Row.ABSENT) {
        return null;
      }
    }
    return values;
  }

  /** The key's values of a row that holds at least them. */
  RowKey key(Row row) {
    Places some = keyPlaces.in(row.shape(), key);
    keyPlaces = some;
    return key(row, some);
  }

  /** The key of the row that the change is about; empty for a truncate. */
  Optional<RowKey> keyOf(Change change) {
    if (change instanceof Change.Insert insert) {
      return Optional.of(key(insert.after()));
    }
    if (change instanceof Change.Update update) {
      return Optional.of(key(update.after()));
    }
    return change instanceof Change.Delete delete
        ? Optional.of(key(delete.before()))
        : Optional.empty();
  }

  /**
   * Adds the keys of all rows that the change is about, a key change's old one too; false if it is
   * about the whole table.
   */
  boolean addKeys(Change change, Collection<RowKey> keys) {
    keyOf(change).ifPresent(keys::add);
    if (change instanceof Change.Insert insert) {
      insert.movedFrom().flatMap(this::fullKey).ifPresent(keys::add);
    } else if (change instanceof Change.Update update) {
      update.before().flatMap(this::fullKey).ifPresent(keys::add);
    } else if (change instanceof Change.Delete delete) {
      delete.movedTo().flatMap(this::fullKey).ifPresent(keys::add);
    }
    return !(change instanceof Change.Truncate);
  }

  /** The key's values of an earlier row, if the source sent all of them and none is null. */
  Optional<RowKey> fullKey(Row earlier) {
    for (String column : key) {
      int place = earlier.shape().indexOf(column);
      if (place < 0 || earlier.isAbsent(place) || earlier.value(place) == null) {
        return Optional.empty();
      }
    }
    return Optional.of(key(earlier));
  }

  private RowKey key(Row row, Places places) {
    @Nullable String[] values = pick(row, places);
    for (String value : values) {
      if (value == Row.ABSENT) {
        throw new OperatingFailure(
            OperatingFailure.Kind.SOURCE,
            "key_not_sent",
            "a change came without the key columns " + key,
            "give the source table a primary key on them, or REPLICA IDENTITY FULL",
            null);
      }
    }
    return RowKey.of(values);
  }

  private static @Nullable String[] pick(Row row, Places places) {
    int[] indexes = places.indexes();
    @Nullable String[] values = new String[indexes.length];
    for (int i = 0; i < indexes.length; i++) {
      values[i] = indexes[i] < 0 ? Row.ABSENT : row.value(indexes[i]);
    }
    return values;
  }

  @Override
  public String toString() {
    return "Projection" + Arrays.asList(columns, key);
  }
}

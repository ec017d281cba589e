package io.tidemark.apply;

import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.Verdict;
import io.tidemark.sync.TableMapping;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How conflicts of a source's changes with a target's rows are put on record. */
final class OneWayConflicts {
  private final RowShape shape;
  private final RowShape keyShape;
  private final int[] keyPlaces;

  OneWayConflicts(TableMapping mapping) {
    shape = mapping.targetShape();
    keyShape = mapping.targetKeyShape();
    keyPlaces = mapping.key().stream().mapToInt(mapping.columns()::indexOf).toArray();
  }

  /**
   * An edit that the target's row of its key is not as expected for.
   *
   * @param seen that row; null for none
   */
  Detected ofKey(
      ConflictType type,
      RowEdit edit,
      @Nullable JdbcSeen seen,
      Verdict verdict,
      Findings findings) {
    return detected(type, edit, seen, differing(edit, seen), verdict, findings);
  }

  /**
   * An edit that would take a unique value.
   *
   * @param holder the other row, which holds it
   */
  Detected ofValue(
      RowEdit edit, JdbcSeen holder, List<String> unique, Verdict verdict, Findings findings) {
    return detected(ConflictType.UNIQUE_VIOLATION, edit, holder, unique, verdict, findings);
  }

  private Detected detected(
      ConflictType type,
      RowEdit edit,
      @Nullable JdbcSeen seen,
      List<String> differing,
      Verdict verdict,
      Findings findings) {
    @Nullable String[] base = edit.base();
    return new Detected(
        type,
        Row.of(keyShape, edit.key().values().toArray(String[]::new)),
        findings.place(edit),
        edit.last().position(),
        source(edit),
        seen == null ? null : target(seen),
        base == null ? null : Row.of(shape, base),
        differing,
        verdict);
  }

  /** A row of others that a TRUNCATE meets. */
  Detected ofTruncate(Step.Truncate step, JdbcSeen seen, Verdict verdict, Findings findings) {
    return new Detected(
        ConflictType.DELETE_ORIGIN_DIFFERS,
        key(seen),
        findings.place(step),
        step.from().position(),
        null,
        target(seen),
        null,
        List.of(),
        verdict);
  }

  /** The key of a row of others. */
  RowKey keyOf(JdbcSeen seen) {
    return Detected.keyOf(key(seen));
  }

  private Row key(JdbcSeen seen) {
    return Row.of(
        keyShape,
        Arrays.stream(keyPlaces)
            .mapToObj(place -> seen.values().get(place))
            .toArray(String[]::new));
  }

  /** The row that an edit puts, in the target's column names. */
  @Nullable Row source(RowEdit edit) {
    return edit.isDeletion() ? null : Row.of(shape, edit.put().values());
  }

  private Row target(JdbcSeen seen) {
    return Row.of(shape, seen.values().toArray(String[]::new));
  }

  private List<String> differing(RowEdit edit, @Nullable JdbcSeen seen) {
    if (seen == null || edit.isDeletion()) {
      return List.of();
    }
    List<String> names = new ArrayList<>();
    for (int i = 0; i < seen.differs().size(); i++) {
      if (seen.differs().get(i)) {
        names.add(shape.column(i));
      }
    }
    return names;
  }
}

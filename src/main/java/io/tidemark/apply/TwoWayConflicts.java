package io.tidemark.apply;

import io.tidemark.apply.JdbcSide.Held;
import io.tidemark.apply.TwoWayDecision.Outcome;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.Place;
import io.tidemark.conflict.Verdict;
import io.tidemark.sync.TableMapping;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** How conflicts of two sides are put on record. */
final class TwoWayConflicts {
  private final RowShape shape;
  private final RowShape keyShape;

  TwoWayConflicts(TableMapping mapping) {
    shape = mapping.targetShape();
    keyShape = mapping.targetKeyShape();
  }

  /** The key's columns' names, as the rows on record have them. */
  List<String> keyColumns() {
    return keyShape.columns();
  }

  /** Two rows of one key. */
  Detected ofKey(
      RowKey key, @Nullable Held source, @Nullable Held target, Outcome outcome, TwoWayWork work) {
    return detected(
        Objects.requireNonNull(outcome.conflict()),
        key,
        key,
        source,
        target,
        differing(source, target),
        outcome.verdict() == null ? Verdict.REVIEW : outcome.verdict(),
        work);
  }

  /**
   * Two rows that hold one unique value.
   *
   * @param touched the key whose change brought it up
   * @param key of the source's row
   */
  Detected ofValue(
      RowKey touched,
      RowKey key,
      Held source,
      Held target,
      List<String> unique,
      Verdict verdict,
      TwoWayWork work) {
    return detected(
        ConflictType.UNIQUE_VIOLATION, touched, key, source, target, unique, verdict, work);
  }

  private Detected detected(
      ConflictType type,
      RowKey touched,
      RowKey key,
      @Nullable Held source,
      @Nullable Held target,
      List<String> differing,
      Verdict verdict,
      TwoWayWork work) {
    return new Detected(
        type,
        Row.of(keyShape, key.values().toArray(String[]::new)),
        new Place(work.topicOf(touched), 0, work.touch(touched).first()),
        work.positionOf(touched),
        row(source),
        row(target),
        null,
        differing,
        verdict);
  }

  @Nullable Row row(@Nullable Held held) {
    return held == null ? null : Row.of(shape, held.values().toArray(String[]::new));
  }

  private List<String> differing(@Nullable Held source, @Nullable Held target) {
    if (source == null || target == null) {
      return List.of();
    }
    List<String> names = new ArrayList<>();
    for (int i = 0; i < shape.size(); i++) {
      if (!Objects.equals(source.values().get(i), target.values().get(i))) {
        names.add(shape.column(i));
      }
    }
    return names;
  }
}

package io.tidemark.sync;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.sync.TableMapping.Pair;
import java.util.Optional;

/**
 * Notices that one of two tables that are kept in step both ways has changed and the other has not.
 *
 * <p>INVARIANT: a column that was kept in step is kept in step, or nothing is written until a
 * person has said what becomes of it. Columns are matched by name, so that one that is gone at one
 * side would else fall out silently.
 */
public final class TwoWayDrift {
  private final SyncDefinition definition;
  private final TableMapping now;

  private TwoWayDrift(SyncDefinition definition, TableMapping now) {
    this.definition = definition;
    this.now = now;
  }

  /**
   * Compares the tables as they are with how they were last kept in step.
   *
   * @throws OperatingFailure with the column and the remedy
   */
  public static void requireNone(SyncDefinition definition, TableMapping last, TableMapping now) {
    TwoWayDrift drift = new TwoWayDrift(definition, now);
    if (!last.source().name().equals(now.source().name())
        || !last.target().name().equals(now.target().name())) {
      return;
    }
    last.columns().stream()
        .filter(drift::isStillWanted)
        .map(drift::of)
        .flatMap(Optional::stream)
        .findFirst()
        .ifPresent(
            failure -> {
              throw failure;
            });
  }

  /** Whether the user has not left the column out, or sent it elsewhere, since. */
  private boolean isStillWanted(Pair before) {
    return definition
        .columns()
        .targetOf(before.source().name())
        .filter(before.target().name()::equals)
        .isPresent();
  }

  private Optional<OperatingFailure> of(Pair before) {
    Optional<ColumnShape> source = now.source().column(before.source().name());
    Optional<ColumnShape> target = now.target().column(before.target().name());
    if (source.isEmpty() && target.isEmpty()) {
      return Optional.empty();
    }
    if (source.isEmpty()) {
      return Optional.of(
          gone(
              OperatingFailure.Kind.SOURCE,
              before.source().name(),
              now.source().name(),
              before.target().name(),
              now.target().name()));
    }
    if (target.isEmpty()) {
      return Optional.of(
          gone(
              OperatingFailure.Kind.TARGET,
              before.target().name(),
              now.target().name(),
              before.source().name(),
              now.source().name()));
    }
    boolean isAsBefore =
        source.get().type().equals(before.source().type())
            && target.get().type().equals(before.target().type());
    return isAsBefore || source.get().type().equals(target.get().type())
        ? Optional.empty()
        : Optional.of(typeChanged(source.get(), target.get()));
  }

  private static OperatingFailure gone(
      OperatingFailure.Kind side, String column, TableName table, String other, TableName there) {
    return new OperatingFailure(
        side,
        "column_gone",
        "column '%s' of %s was dropped or renamed at the %s"
            .formatted(column, table, side == OperatingFailure.Kind.SOURCE ? "source" : "target"),
        "drop or rename '%s' of %s likewise, or name the columns to keep in step in columns; changes"
                .formatted(other, there)
            + " then go on where they stopped",
        null);
  }

  private OperatingFailure typeChanged(ColumnShape source, ColumnShape target) {
    return new OperatingFailure(
        OperatingFailure.Kind.USER,
        "column_type_changed",
        ("column '%s' of %s is %s at the source, and '%s' of %s is %s at the target, which they"
                + " were not before")
            .formatted(
                source.name(),
                now.source().name(),
                source.type(),
                target.name(),
                now.target().name(),
                target.type()),
        "give both the same type; changes then go on where they stopped",
        null);
  }
}

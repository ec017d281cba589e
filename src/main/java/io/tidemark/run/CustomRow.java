package io.tidemark.run;

import io.tidemark.apply.JdbcTargetRows;
import io.tidemark.apply.RowRefusal;
import io.tidemark.change.Row;
import io.tidemark.conflict.Conflict;
import io.tidemark.run.ConflictDecisions.Decision;
import io.tidemark.sync.FieldError;
import io.tidemark.sync.Refusal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What is wrong with a row that a person wrote, column by column, before anything is done. */
final class CustomRow {
  private static final String UNKNOWN_COLUMN = "42703";

  private CustomRow() {}

  static Optional<Refusal> refusal(DecisionTarget target, Conflict conflict, Decision decision) {
    Row row = decision.row();
    if (row == null) {
      return Optional.empty();
    }
    JdbcTargetRows rows = target.rows();
    List<FieldError> invalid = new ArrayList<>();
    List<FieldError> refused = new ArrayList<>();
    for (RowRefusal one : rows.check(row)) {
      String column = one.columns().get(0);
      FieldError error = new FieldError("row." + column, "'" + column + "': " + one.reason());
      (one.code().equals(UNKNOWN_COLUMN) ? invalid : refused).add(error);
    }
    rows.rollback();
    invalid.addAll(keyErrors(target, conflict, row));
    if (!invalid.isEmpty()) {
      return Optional.of(Refusal.invalid(invalid));
    }
    return refused.isEmpty() ? Optional.empty() : Optional.of(Refusal.database(refused));
  }

  private static List<FieldError> keyErrors(DecisionTarget target, Conflict conflict, Row row) {
    List<String> key = target.rows().keyColumns();
    List<String> given = key.stream().filter(row.shape().columns()::contains).toList();
    if (given.isEmpty()) {
      return List.of();
    }
    if (given.size() < key.size()) {
      return key.stream()
          .filter(column -> !given.contains(column))
          .map(
              column ->
                  new FieldError(
                      "row." + column,
                      "'" + column + "' is part of the key; give the whole key or none of it"))
          .toList();
    }
    if (target.rows().keyOf(row).equals(target.keyOf(conflict))) {
      return List.of();
    }
    return key.stream()
        .map(
            column ->
                new FieldError(
                    "row." + column,
                    "'" + column + "': the row's key is not the conflict's, which cannot change"))
        .toList();
  }
}

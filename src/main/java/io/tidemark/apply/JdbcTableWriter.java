package io.tidemark.apply;

import io.tidemark.apply.ApplySql.Kinds;
import io.tidemark.apply.ApplySql.Parts;
import io.tidemark.apply.RowEdit.Expected;
import io.tidemark.change.Row;
import io.tidemark.sync.TableMapping;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntPredicate;

/**
 * Writes steps to one table in the transaction of the session it is given, as far as a guard lets
 * it. It does not find out why the guard held something back: it only says that it did.
 */
final class JdbcTableWriter {
  /** A foreign key refers to the table, or the role may delete but not truncate. */
  private static final Set<String> NOT_TO_BE_TRUNCATED = Set.of("0A000", "42501");

  private final JdbcStatements statements;
  private final TableMapping mapping;
  private final Guard guard;
  private final ApplySql sql;

  JdbcTableWriter(JdbcStatements statements, TableMapping mapping, Guard guard)
      throws SQLException {
    this.statements = statements;
    this.mapping = mapping;
    this.guard = guard;
    int major = statements.connection().getMetaData().getDatabaseMajorVersion();
    sql = new ApplySql(mapping, major, guard);
  }

  /**
   * What a step came to.
   *
   * @param missing without a watchful guard: rows of which the source did not send every value and
   *     which the target does not have
   * @param contested the target is not as a change expects: the guard held something back, or a row
   *     is not there
   */
  record Written(RowCounts counts, List<RowEdit> missing, boolean contested) {
    static Written done(RowCounts counts) {
      return new Written(counts, List.of(), false);
    }

    /** The counts, if every row was as it had been looked at. */
    RowCounts uncontested() throws SQLException {
      if (contested) {
        throw PgRefusal.overtaken();
      }
      return counts;
    }

    Written plus(Written other) {
      List<RowEdit> both = new ArrayList<>(missing);
      both.addAll(other.missing);
      return new Written(counts.plus(other.counts), both, contested || other.contested);
    }
  }

  Written write(Step step) throws SQLException {
    if (step instanceof Step.Rows rows) {
      return writeRows(rows.edits());
    }
    if (step instanceof Step.Moves moves) {
      return writeMoves(moves.moves());
    }
    return truncate((Step.Truncate) step);
  }

  /** Writes rows of different keys. */
  Written writeRows(List<RowEdit> edits) throws SQLException {
    if (guard.isWatchful()
        && edits.stream().anyMatch(edit -> edit.expected() == Expected.UNKNOWN)) {
      // What others wrote can only be told of rows that were looked at.
      return new Written(RowCounts.NONE, List.of(), true);
    }
    List<RowEdit> deletes = new ArrayList<>();
    List<RowEdit> updates = new ArrayList<>();
    List<RowEdit> inserts = new ArrayList<>();
    List<RowEdit> patches = new ArrayList<>();
    for (RowEdit edit : edits) {
      if (edit.isDeletion()) {
        deletes.add(edit);
      } else if (!edit.put().isComplete() || needsOnlyBeThere(edit)) {
        patches.add(edit);
      } else if (isUpdate(edit)) {
        updates.add(edit);
      } else {
        inserts.add(edit);
      }
    }
    Written written = writeComplete(deletes, updates, inserts);
    for (List<RowEdit> alike : groupedByPresence(patches, edit -> edit.put().presence())) {
      written = written.plus(patch(alike));
    }
    if (sql.needsFix()) {
      // Whatever the guard held back makes the caller give all of it up.
      statements.places(sql.fix(), edits.stream().filter(edit -> !edit.isDeletion()).toList());
    }
    return written;
  }

  /** Where everything may be written, an update that finds no row is the row. */
  private boolean isUpdate(RowEdit edit) {
    return edit.expected() == Expected.PRESENT
        && guard.insertOver() != Guard.InsertOver.ALWAYS
        && sql.canUpdate();
  }

  /** Of a row that is nothing but its key an update finds nothing to set. */
  private boolean needsOnlyBeThere(RowEdit edit) {
    return edit.expected() == Expected.PRESENT
        && guard.insertOver() != Guard.InsertOver.ALWAYS
        && !sql.canUpdate();
  }

  private Written writeComplete(List<RowEdit> deletes, List<RowEdit> updates, List<RowEdit> inserts)
      throws SQLException {
    if (deletes.isEmpty() && updates.isEmpty() && inserts.isEmpty()) {
      return Written.done(RowCounts.NONE);
    }
    Parts parts = sql.write(new Kinds(!deletes.isEmpty(), !updates.isEmpty(), !inserts.isEmpty()));
    PreparedStatement statement = statements.prepare(parts.text());
    int parameter = 1;
    if (!deletes.isEmpty()) {
      parameter = parts.deletes().bind(statement, parameter, deletes);
    }
    if (!updates.isEmpty()) {
      parameter = parts.updates().bind(statement, parameter, updates);
    }
    if (!inserts.isEmpty()) {
      parts.inserts().bind(statement, parameter, inserts);
    }
    try (ResultSet row = statement.executeQuery()) {
      row.next();
      long inserted = row.getLong(1);
      long overwritten = row.getLong(2);
      long updated = row.getLong(3);
      long deleted = row.getLong(4);
      boolean contested =
          guard.insertOver() != Guard.InsertOver.ALWAYS
              && (inserted + overwritten != inserts.size()
                  || updated != updates.size()
                  || deleted != deletes.size());
      return new Written(
          RowCounts.written(inserted, overwritten + updated, deleted), List.of(), contested);
    }
  }

  private Written patch(List<RowEdit> alike) throws SQLException {
    BitSet found = statements.places(sql.patch(presentIn(alike.get(0).put())), alike);
    return found(alike, found);
  }

  private static Written found(List<RowEdit> edits, BitSet found) {
    List<RowEdit> missing = new ArrayList<>();
    for (int i = found.nextClearBit(0); i < edits.size(); i = found.nextClearBit(i + 1)) {
      missing.add(edits.get(i));
    }
    return new Written(RowCounts.written(0, found.cardinality(), 0), missing, !missing.isEmpty());
  }

  private Written writeMoves(List<Step.Move> moves) throws SQLException {
    Written written = Written.done(RowCounts.NONE);
    for (List<Step.Move> alike : groupedByPresence(moves, move -> move.row().presence())) {
      BitSet found = statements.places(sql.move(presentIn(alike.get(0).row())), alike);
      written = written.plus(found(alike.stream().map(Step.Move::edit).toList(), found));
    }
    // A row whose old key is not there is a new row, if all of it is known.
    List<RowEdit> complete =
        written.missing().stream().filter(edit -> edit.put().isComplete()).toList();
    if (guard.isWatchful() || complete.isEmpty()) {
      return written;
    }
    List<RowEdit> missing = new ArrayList<>(written.missing());
    missing.removeAll(complete);
    return new Written(written.counts(), missing, !missing.isEmpty())
        .plus(writeComplete(List.of(), List.of(), complete));
  }

  private Written truncate(Step.Truncate step) throws SQLException {
    if (!guard.foreignToTruncate().isEmpty() && holdsForeign(step)) {
      return new Written(RowCounts.NONE, List.of(), true);
    }
    // A refused statement would end the transaction that also holds the position.
    var savepoint = statements.connection().setSavepoint();
    try (Statement statement = statements.connection().createStatement()) {
      statement.execute(sql.truncate());
      return Written.done(RowCounts.NONE);
    } catch (SQLException e) {
      if (!NOT_TO_BE_TRUNCATED.contains(e.getSQLState())) {
        throw e;
      }
      statements.connection().rollback(savepoint);
    }
    try (Statement statement = statements.connection().createStatement()) {
      return Written.done(RowCounts.written(0, 0, statement.executeLargeUpdate(sql.deleteAll())));
    }
  }

  private boolean holdsForeign(Step.Truncate step) throws SQLException {
    PreparedStatement statement = statements.prepare(sql.holdsForeign());
    statement.setLong(1, step.committedMicros());
    try (ResultSet row = statement.executeQuery()) {
      row.next();
      return row.getBoolean(1);
    }
  }

  private static IntPredicate presentIn(TargetRow row) {
    return i -> row.values()[i] != Row.ABSENT;
  }

  private static <T> Iterable<List<T>> groupedByPresence(
      List<T> rows, Function<T, String> presence) {
    Map<String, List<T>> groups = new LinkedHashMap<>();
    for (T row : rows) {
      groups.computeIfAbsent(presence.apply(row), mask -> new ArrayList<>()).add(row);
    }
    return groups.values();
  }
}

package io.tidemark.apply;

import io.tidemark.apply.ApplySql.Kinds;
import io.tidemark.apply.ApplySql.Parts;
import io.tidemark.apply.RowEdit.Expected;
import io.tidemark.change.Row;
import io.tidemark.sync.TableMapping;
import java.sql.Array;
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
import org.jspecify.annotations.Nullable;

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

  /**
   * A step of which everything is done that needs no answer of the server.
   *
   * @param rows null if the step is not one of rows
   */
  record Ready(Step step, @Nullable Sorted rows) {}

  /**
   * Rows by what is to be done with them.
   *
   * @param patches rows of which not every value is written
   */
  record Sorted(List<RowEdit> edits, Complete complete, List<RowEdit> patches) {}

  /**
   * The rows that one statement writes.
   *
   * @param parameters those of the statement, in its order
   */
  record Complete(int deletes, int updates, int inserts, String statement, List<Array> parameters) {
    static final Complete NONE = new Complete(0, 0, 0, "", List.of());
  }

  /** May be called by another thread while the session is at work. */
  Ready ready(Step step) throws SQLException {
    return new Ready(step, step instanceof Step.Rows rows ? sort(rows.edits()) : null);
  }

  Written write(Step step) throws SQLException {
    return write(ready(step));
  }

  Written write(Ready ready) throws SQLException {
    if (ready.rows() != null) {
      return writeRows(ready.rows());
    }
    if (ready.step() instanceof Step.Moves moves) {
      return writeMoves(moves.moves());
    }
    return truncate((Step.Truncate) ready.step());
  }

  /** Writes rows of different keys. */
  Written writeRows(List<RowEdit> edits) throws SQLException {
    return writeRows(sort(edits));
  }

  private Written writeRows(Sorted rows) throws SQLException {
    if (guard.isWatchful()
        && rows.edits().stream().anyMatch(edit -> edit.expected() == Expected.UNKNOWN)) {
      // What others wrote can only be told of rows that were looked at.
      return new Written(RowCounts.NONE, List.of(), true);
    }
    Written written = writeComplete(rows.complete());
    for (List<RowEdit> alike : groupedByPresence(rows.patches(), edit -> edit.put().presence())) {
      written = written.plus(patch(alike));
    }
    if (sql.needsFix()) {
      // Whatever the guard held back makes the caller give all of it up.
      statements.places(
          sql.fix(), rows.edits().stream().filter(edit -> !edit.isDeletion()).toList());
    }
    return written;
  }

  private Sorted sort(List<RowEdit> edits) throws SQLException {
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
    return new Sorted(edits, complete(deletes, updates, inserts), patches);
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

  private Complete complete(List<RowEdit> deletes, List<RowEdit> updates, List<RowEdit> inserts)
      throws SQLException {
    if (deletes.isEmpty() && updates.isEmpty() && inserts.isEmpty()) {
      return Complete.NONE;
    }
    Parts parts = sql.write(new Kinds(!deletes.isEmpty(), !updates.isEmpty(), !inserts.isEmpty()));
    List<Array> parameters = new ArrayList<>();
    if (!deletes.isEmpty()) {
      parameters.addAll(parts.deletes().arrays(statements.connection(), deletes));
    }
    if (!updates.isEmpty()) {
      parameters.addAll(parts.updates().arrays(statements.connection(), updates));
    }
    if (!inserts.isEmpty()) {
      parameters.addAll(parts.inserts().arrays(statements.connection(), inserts));
    }
    return new Complete(deletes.size(), updates.size(), inserts.size(), parts.text(), parameters);
  }

  private Written writeComplete(Complete rows) throws SQLException {
    if (rows.parameters().isEmpty()) {
      return Written.done(RowCounts.NONE);
    }
    PreparedStatement statement = statements.prepare(rows.statement());
    JdbcFeeds.setArrays(statement, 1, rows.parameters());
    try (ResultSet row = statement.executeQuery()) {
      row.next();
      long inserted = row.getLong(1);
      long overwritten = row.getLong(2);
      long updated = row.getLong(3);
      long deleted = row.getLong(4);
      boolean contested =
          guard.insertOver() != Guard.InsertOver.ALWAYS
              && (inserted + overwritten != rows.inserts()
                  || updated != rows.updates()
                  || deleted != rows.deletes());
      return new Written(
          RowCounts.written(inserted, overwritten + updated, deleted), List.of(), contested);
    } finally {
      // The statement is kept, and would keep the rows with it.
      statement.clearParameters();
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
        .plus(writeComplete(complete(List.of(), List.of(), complete)));
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

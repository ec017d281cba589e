package io.tidemark.apply;

import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.conflict.ConflictResolver;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Verdict;
import io.tidemark.postgres.UniqueIndex;
import io.tidemark.sync.TableMapping;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Decides between an edit and another row of the target that holds a unique value of it. */
final class JdbcUniqueValues {
  private final JdbcStatements statements;
  private final LookSql look;
  private final JdbcTableWriter locked;
  private final ConflictResolver resolver;
  private final NewestRows newest;
  private final OneWayConflicts records;
  private final RowShape shape;

  /**
   * @param locked writes rows that were looked at
   */
  JdbcUniqueValues(
      JdbcStatements statements,
      TableMapping mapping,
      LookSql look,
      JdbcTableWriter locked,
      ConflictResolver resolver,
      NewestRows newest) {
    this.statements = statements;
    this.look = look;
    this.locked = locked;
    this.resolver = resolver;
    this.newest = newest;
    records = new OneWayConflicts(mapping);
    shape = mapping.targetShape();
  }

  /**
   * What is decided about two rows that would hold one unique value.
   *
   * @param holder the key of the target's row; it is gone after {@link Verdict#APPLY}
   */
  record Unique(Verdict verdict, RowKey holder) {}

  /**
   * Decides about an edit that would take a unique value which another row holds.
   *
   * @return null if no such row is found: it is not a conflict of two rows
   */
  @Nullable Unique decide(RowEdit edit, UniqueIndex unique, Findings findings) throws SQLException {
    JdbcSeen holder = holder(edit, unique);
    if (holder == null) {
      return null;
    }
    Verdict verdict = resolver.decide(ConflictType.UNIQUE_VIOLATION, holder.age());
    findings.add(records.ofValue(edit, holder, unique.columns(), verdict, findings));
    RowKey key = records.keyOf(holder);
    if (verdict == Verdict.APPLY) {
      locked.writeRows(List.of(edit.removing(key))).uncontested();
    }
    return new Unique(verdict, key);
  }

  private @Nullable JdbcSeen holder(RowEdit edit, UniqueIndex unique) throws SQLException {
    ApplySql.Found<RowEdit> sql = look.holder(unique);
    PreparedStatement statement = statements.prepare(sql.text());
    sql.items().bind(statement, 1, List.of(edit));
    try (ResultSet row = statement.executeQuery()) {
      return row.next() ? JdbcSeen.foreign(row, 1) : null;
    }
  }

  /**
   * Puts the source's row of a key that has given way to another row, if the source has one and the
   * target takes it: it holds the value no more.
   */
  void putInstead(RowKey gone, RowEdit cause) throws SQLException {
    Row row = newest.of(List.of(gone)).get(gone);
    if (row == null) {
      return;
    }
    RowEdit edit = cause.removing(gone).putting(row, shape);
    Savepoint before = statements.connection().setSavepoint();
    try {
      locked.writeRows(List.of(edit)).uncontested();
      statements.connection().releaseSavepoint(before);
    } catch (SQLException e) {
      if (PgRefusal.of(e) != PgRefusal.ROW) {
        throw e;
      }
      // A third row holds something of it. What has given way is on record.
      statements.connection().rollback(before);
    }
  }
}

package io.tidemark.apply;

import io.tidemark.apply.JdbcTableWriter.Ready;
import io.tidemark.change.RowKey;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.TableMapping;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The ways to write a table by one mapping.
 *
 * @param filter tells which changes are of rows that the mapping takes, if it does not take all
 * @param guarded writes all of a step if nobody else's rows are in its way
 * @param looking looks at the rows first, and decides
 */
record JdbcWays(
    TableMapping mapping,
    Optional<JdbcRowFilter> filter,
    DeleteHandling deletes,
    Projection projection,
    JdbcTableWriter guarded,
    JdbcConflictWriter looking) {

  /**
   * @param waiting keys that wait for a person, whose changes are not to be written
   */
  Batch.Plan plan(List<TopicChange> changes, Set<RowKey> waiting) {
    return Batch.plan(changes, projection, deletes, waiting);
  }

  /** The plan's steps for {@link #guarded}; another thread may ask while the session is at work. */
  List<Ready> ready(Batch.Plan plan) throws SQLException {
    List<Ready> steps = new ArrayList<>(plan.steps().size());
    for (Step step : plan.steps()) {
      steps.add(guarded.ready(step));
    }
    return steps;
  }

  JdbcUniqueValues uniqueValues() {
    return looking.uniqueValues();
  }

  /** The key's columns' names. */
  List<String> keyColumns() {
    return mapping.targetKeyNames();
  }

  /**
   * Whether one row is at fault. INVARIANT: a label that the source's enum type has got since is
   * not its row's fault: the rows that follow have it too, and none of them is set aside.
   */
  boolean isOfARow(SQLException refusal) {
    return PgRefusal.of(refusal) == PgRefusal.ROW
        && !(PgRefusal.isUnknownLabel(refusal)
            && mapping.columns().stream().anyMatch(TableMapping.Pair::isOfOneUserType));
  }
}

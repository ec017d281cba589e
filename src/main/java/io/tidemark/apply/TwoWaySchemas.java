package io.tidemark.apply;

import io.tidemark.change.Change;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableSchema;
import io.tidemark.sync.TableMapping;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * The mappings of both directions, for as long as the tables are as they were when the loop began.
 * A change only says which row to compare, so one of an older version of its table does no harm;
 * but a version that does not fit the mapping may be a newer one, and then the tables are looked at
 * before anything is written. For one thread.
 */
final class TwoWaySchemas {
  private final KafkaApplyLoop.Plans plans;
  private final TableMapping there;
  private final TableMapping back;
  private final KafkaTableSchemas ofSource;
  private final KafkaTableSchemas ofTarget;
  private final Set<String> fitting = new HashSet<>();

  TwoWaySchemas(
      TwoWayTask task,
      TableMapping mapping,
      KafkaApplyLoop.Plans plans,
      Map<String, Object> kafka) {
    this.plans = plans;
    there = mapping;
    back = mapping.reversed();
    ofSource = new KafkaTableSchemas(task.there(), kafka);
    ofTarget = new KafkaTableSchemas(task.back(), kafka);
  }

  TableMapping there() {
    return there;
  }

  TableMapping back() {
    return back;
  }

  /**
   * Lets a change of the source pass.
   *
   * @throws OperatingFailure if the tables are not as the mapping has them any more
   */
  void requireOfSource(Change change) {
    require(change, there, ofSource);
  }

  /** Likewise, a change of the target. */
  void requireOfTarget(Change change) {
    require(change, back, ofTarget);
  }

  private void require(Change change, TableMapping mapping, KafkaTableSchemas schemas) {
    String id = change.source().schemaId();
    // A change from before schemas were written is older than the mapping.
    if (id == null || fitting.contains(id)) {
      return;
    }
    if (!fits(mapping, schemas.require(id))) {
      TableMapping now = plans.current().mapping();
      if (!now.columns().equals(there.columns()) || !now.key().equals(there.key())) {
        throw new OperatingFailure(
            OperatingFailure.Kind.SOURCE,
            "schema_changed",
            "the columns of " + change.table() + " have changed",
            "it begins anew with them by itself",
            null);
      }
    }
    fitting.add(id);
  }

  /** Whether it has the mapped columns as they are, and no others than the table has. */
  private static boolean fits(TableMapping mapping, TableSchema schema) {
    return mapping.misfit(schema).isEmpty()
        && schema.columns().stream()
            .allMatch(column -> mapping.source().column(column.name()).isPresent());
  }
}

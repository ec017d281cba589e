package io.tidemark.apply;

import io.tidemark.change.OperatingFailure;
import io.tidemark.sync.TableMapping;
import java.util.HashSet;
import java.util.Set;

/** Tells changes that were made under another schema than the copied rows were. */
final class SchemaFit {
  private final TableMapping mapping;
  private final KafkaTableSchemas schemas;
  private final Set<String> fitting = new HashSet<>();

  /**
   * @param mapping of the tables as they were when the rows were copied
   */
  SchemaFit(TableMapping mapping, KafkaTableSchemas schemas) {
    this.mapping = mapping;
    this.schemas = schemas;
  }

  /**
   * @throws OperatingFailure {@code schema_changed} if the change's schema lacks a mapped column,
   *     or has it of another type
   */
  void require(TopicChange next) {
    String id = next.change().source().schemaId();
    if (id == null || fitting.contains(id)) {
      return;
    }
    mapping
        .misfit(schemas.require(id))
        .ifPresent(
            column -> {
              throw new OperatingFailure(
                  OperatingFailure.Kind.SOURCE,
                  "schema_changed",
                  "column '"
                      + column
                      + "' of "
                      + mapping.source().name()
                      + " was dropped, renamed or got another type while the table was copied",
                  "execute it again",
                  null);
            });
    fitting.add(id);
  }
}

package io.tidemark.run;

import io.tidemark.apply.ApplyTask;
import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.apply.KafkaTableSchemas;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.change.TableSchema;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.TableShape;
import io.tidemark.run.TopicDescription.TopicColumn;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Describes the change topics: by the schemas that their changes name, and a topic without changes
 * by its table as it is now.
 */
final class TopicDescriptions {
  private static final System.Logger LOG = System.getLogger(TopicDescriptions.class.getName());

  private final Rooms rooms;
  private final Map<String, TopicDescription> topics = new LinkedHashMap<>();

  /** One for each source connection, so that its schemas are read once. */
  private final Map<String, KafkaTableSchemas> schemas = new HashMap<>();

  TopicDescriptions(Rooms rooms) {
    this.rooms = rooms;
  }

  List<TopicDescription> all() {
    for (SyncConfiguration configuration : rooms.configurations().all()) {
      SyncDefinition definition = configuration.definition();
      if (definition.needsCapture()) {
        add(definition, definition.source(), Side.SOURCE, rooms.task(configuration));
      }
      if (definition.bidirectional()) {
        add(definition, definition.target(), Side.TARGET, rooms.taskBack(configuration));
      }
    }
    return List.copyOf(topics.values());
  }

  private enum Side {
    SOURCE,
    TARGET
  }

  private void add(SyncDefinition definition, TableName table, Side side, ApplyTask task) {
    if (topics.containsKey(task.topic())) {
      return;
    }
    int partitions;
    try (KafkaCatchUp reader = new KafkaCatchUp(task, rooms.kafka())) {
      partitions = reader.partitionCount();
    }
    // A configuration that could not begin yet, because its source is away, has no topic.
    if (partitions > 0) {
      topics.put(task.topic(), describe(definition, table, side, task, partitions));
    }
  }

  private TopicDescription describe(
      SyncDefinition definition, TableName table, Side side, ApplyTask task, int partitions) {
    List<TableSchema> versions =
        schemas
            .computeIfAbsent(
                task.sourceConnection(), connection -> new KafkaTableSchemas(task, rooms.kafka()))
            .versions(table);
    Optional<TableShape> now = shape(definition, side);
    // The capture writes a version that comes back only once, so that it need not be the last one.
    Optional<TableSchema> newest =
        versions.stream()
            .filter(version -> now.filter(shape -> isOf(version, shape)).isPresent())
            .reduce((former, later) -> later)
            .or(() -> versions.stream().reduce((former, later) -> later));
    List<TopicColumn> columns =
        newest
            .map(TopicDescriptions::columns)
            .or(() -> now.map(TopicDescriptions::columns))
            .orElse(List.of());
    return new TopicDescription(
        task.topic(),
        task.sourceConnection(),
        table.toString(),
        partitions,
        columns.stream().filter(TopicColumn::key).map(TopicColumn::name).toList(),
        columns,
        newest.map(TableSchema::id).orElse(null));
  }

  /** The table as it is now; empty if the databases do not answer or do not agree. */
  private Optional<TableShape> shape(SyncDefinition definition, Side side) {
    try {
      return Optional.of(
          side == Side.SOURCE
              ? rooms.mapping(definition).source()
              : rooms.mapping(definition).target());
    } catch (OperatingFailure e) {
      LOG.log(
          System.Logger.Level.DEBUG,
          "A topic is described without asking for its table as it is",
          e);
      return Optional.empty();
    }
  }

  /** Whether a version is the table's as it is now; it need not have the computed columns. */
  private static boolean isOf(TableSchema version, TableShape now) {
    return version.columns().stream().allMatch(column -> now.column(column.name()).isPresent())
        && now.columns().stream()
            .filter(ColumnShape::isWritable)
            .allMatch(
                column ->
                    version
                        .column(column.name())
                        .filter(found -> found.type().equals(column.type()))
                        .isPresent());
  }

  private static List<TopicColumn> columns(TableSchema schema) {
    return schema.columns().stream()
        .map(column -> new TopicColumn(column.name(), column.type(), column.key()))
        .toList();
  }

  private static List<TopicColumn> columns(TableShape table) {
    return table.columns().stream()
        .map(
            column ->
                new TopicColumn(column.name(), column.type(), table.key().contains(column.name())))
        .toList();
  }
}

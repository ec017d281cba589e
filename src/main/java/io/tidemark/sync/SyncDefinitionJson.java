package io.tidemark.sync;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.change.TableName;
import io.tidemark.change.WireName;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictResolution;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** A definition as JSON, the same in the REST API and in the store: one reader, one writer. */
public final class SyncDefinitionJson {
  private static final int NAME_MAX = 128;

  /** Two identifiers of 63 bytes, all of them doubled quotes, and the signs around them. */
  private static final int TABLE_MAX = 257;

  /** PostgreSQL's bound for an identifier, in bytes. */
  private static final int IDENTIFIER_MAX = 63;

  /** PostgreSQL's bound for the columns of an index. */
  private static final int KEY_COLUMNS_MAX = 32;

  /** PostgreSQL's bound for the columns of a table. */
  private static final int COLUMNS_MAX = 1600;

  /** Far beyond a filter that somebody wrote; it travels in every statement of a copy. */
  private static final int ROW_FILTER_MAX = 8192;

  private static final int BATCH_SIZE = 1000;

  /** What answers hold besides the definition. */
  private static final Set<String> READ_ONLY =
      Set.of(
          "id",
          "state",
          "state_reason",
          "last_execution",
          "next_run_at",
          "lag",
          "rows_parked",
          "conflicts_pending",
          "detection",
          "created_at",
          "updated_at",
          "version",
          "warnings");

  private static final ObjectMapper JSON = new ObjectMapper();

  private SyncDefinitionJson() {}

  /** Reads a definition, or answers all that is wrong with it. */
  public static Outcome<SyncDefinition> read(ObjectNode object) {
    FieldsJson fields = FieldsJson.of(object, READ_ONLY);
    String name = fields.requiredText("name", NAME_MAX);
    if (name.chars().anyMatch(Character::isISOControl)) {
      fields.refuse("name", "'name' holds no control characters");
    }
    String source = table(fields, "source_table");
    String target = table(fields, "target_table");
    SyncStrategy strategy = fields.requiredChoice("sync_strategy", SyncStrategy.class);
    SyncDefinition definition =
        new SyncDefinition(
            name,
            source,
            target,
            fields.text("source_connection", NAME_MAX).orElse("source"),
            fields.text("target_connection", NAME_MAX).orElse("target"),
            strategy,
            fields
                .choice("conflict_resolution", ConflictResolution.class)
                .orElse(ConflictResolution.SOURCE_WINS),
            fields
                .choice("conflict_detection", ConflictDetection.class)
                .orElse(ConflictDetection.AUTO),
            fields.text("timestamp_column", IDENTIFIER_MAX).orElse("updated_at"),
            fields.texts("key_columns", KEY_COLUMNS_MAX, IDENTIFIER_MAX).orElse(List.of()),
            columns(fields),
            fields.text("row_filter", ROW_FILTER_MAX).orElse(null),
            fields.integer("batch_size", 1, SyncDefinition.BATCH_SIZE_MAX).orElse(BATCH_SIZE),
            interval(fields),
            fields.flag("truncate_target").orElse(false),
            fields.choice("delete_handling", DeleteHandling.class).orElse(DeleteHandling.APPLY),
            fields.choice("initial_sync", InitialSync.class).orElse(InitialSync.AUTO),
            fields.flag("bidirectional").orElse(false),
            fields.flag("merge_columns").orElse(false),
            fields.choice("schema_evolution", SchemaEvolution.class).orElse(SchemaEvolution.NONE),
            fields.flag("enabled").orElse(true));
    if (strategy != SyncStrategy.FULL && definition.truncateTarget()) {
      fields.refuse("truncate_target", "'truncate_target' goes with sync_strategy full only");
    }
    if (strategy != SyncStrategy.MERGE && definition.bidirectional()) {
      fields.refuse("bidirectional", "'bidirectional' goes with sync_strategy merge only");
    }
    if (strategy != SyncStrategy.MERGE && definition.mergeColumns()) {
      fields.refuse("merge_columns", "'merge_columns' goes with sync_strategy merge only");
    }
    List<FieldError> errors = fields.errors();
    return errors.isEmpty() ? Outcome.of(definition) : Outcome.refused(Refusal.invalid(errors));
  }

  private static String table(FieldsJson fields, String field) {
    String text = fields.requiredText(field, TABLE_MAX);
    if (!text.isEmpty()) {
      try {
        TableName name = TableName.parse(text);
        requireIdentifiers(fields, field, List.of(name.schema(), name.table()));
      } catch (IllegalArgumentException e) {
        fields.refuse(field, String.valueOf(e.getMessage()));
      }
    }
    return text;
  }

  private static void requireIdentifiers(FieldsJson fields, String field, List<String> names) {
    for (String name : names) {
      if (name.getBytes(StandardCharsets.UTF_8).length > IDENTIFIER_MAX) {
        fields.refuse(field, "'" + field + "': a name has at most " + IDENTIFIER_MAX + " bytes");
      }
    }
  }

  private static @org.jspecify.annotations.Nullable Integer interval(FieldsJson fields) {
    var seconds = fields.integer("sync_interval_seconds", 1, Integer.MAX_VALUE);
    return seconds.isPresent() ? seconds.getAsInt() : null;
  }

  private static ColumnSelection columns(FieldsJson fields) {
    JsonNode value = fields.node("columns");
    if (value == null) {
      return new ColumnSelection.All();
    }
    if (value.isArray()) {
      return fields
          .texts("columns", COLUMNS_MAX, IDENTIFIER_MAX)
          .<ColumnSelection>map(ColumnSelection.Names::new)
          .orElseGet(ColumnSelection.All::new);
    }
    if (value instanceof ObjectNode map && !map.isEmpty() && map.size() <= COLUMNS_MAX) {
      return renames(fields, map);
    }
    fields.refuse("columns", "'columns' is a list of names, or a map of source to target names");
    return new ColumnSelection.All();
  }

  private static ColumnSelection renames(FieldsJson fields, ObjectNode map) {
    FieldsJson names = FieldsJson.of(map);
    Map<String, String> targets = new LinkedHashMap<>();
    map.fieldNames()
        .forEachRemaining(
            source ->
                names
                    .text(source, IDENTIFIER_MAX)
                    .ifPresent(target -> targets.put(source, target)));
    names.errors().forEach(error -> fields.refuse("columns", "columns: " + error.message()));
    if (targets.values().stream().distinct().count() < targets.size()) {
      fields.refuse("columns", "'columns' maps two source columns to one target column");
    }
    if (targets.keySet().stream()
        .anyMatch(source -> source.isBlank() || source.indexOf('\0') >= 0)) {
      fields.refuse("columns", "'columns' names a source column that cannot be");
    }
    return new ColumnSelection.Renames(targets);
  }

  /** The definition with every field, defaults too. */
  public static ObjectNode write(SyncDefinition definition) {
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    object.put("name", definition.name());
    object.put("source_table", definition.sourceTable());
    object.put("target_table", definition.targetTable());
    object.put("source_connection", definition.sourceConnection());
    object.put("target_connection", definition.targetConnection());
    object.put("sync_strategy", WireName.of(definition.strategy()));
    object.put("conflict_resolution", WireName.of(definition.conflictResolution()));
    object.put("conflict_detection", WireName.of(definition.conflictDetection()));
    object.put("timestamp_column", definition.timestampColumn());
    if (definition.keyColumns().isEmpty()) {
      object.putNull("key_columns");
    } else {
      definition.keyColumns().forEach(object.putArray("key_columns")::add);
    }
    writeColumns(definition.columns()).accept(object);
    object.put("row_filter", definition.rowFilter());
    object.put("batch_size", definition.batchSize());
    object.put("sync_interval_seconds", definition.syncIntervalSeconds());
    object.put("truncate_target", definition.truncateTarget());
    object.put("delete_handling", WireName.of(definition.deleteHandling()));
    object.put("initial_sync", WireName.of(definition.initialSync()));
    object.put("bidirectional", definition.bidirectional());
    object.put("merge_columns", definition.mergeColumns());
    object.put("schema_evolution", WireName.of(definition.schemaEvolution()));
    object.put("enabled", definition.enabled());
    return object;
  }

  private static Consumer<ObjectNode> writeColumns(ColumnSelection selection) {
    if (selection instanceof ColumnSelection.Renames renames) {
      return object -> renames.targets().forEach(object.putObject("columns")::put);
    }
    if (selection.named().isEmpty()) {
      return object -> object.putNull("columns");
    }
    return object -> selection.named().forEach(object.putArray("columns")::add);
  }

  /** The stored text of a definition. */
  static String writeText(SyncDefinition definition) {
    return write(definition).toString();
  }

  /**
   * Reads the stored text.
   *
   * @throws IllegalStateException if it was not written by {@link #writeText}
   */
  static SyncDefinition readText(String text) {
    try {
      return read((ObjectNode) JSON.readTree(text))
          .orElseThrow(
              refusal -> new IllegalStateException("a stored definition: " + refusal.detail()));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a stored definition is no JSON", e);
    }
  }
}

package io.tidemark.orchestration;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.change.WireName;
import io.tidemark.run.ExecutionMode;
import io.tidemark.sync.FieldError;
import io.tidemark.sync.FieldsJson;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A definition as JSON, the same in the REST API and in the store. */
public final class OrchestrationJson {
  private static final int NAME_MAX = 128;
  private static final int UUID_LENGTH = 36;

  /** As many as copy at once in one process by default. */
  private static final int MAX_PARALLEL = 4;

  private static final Pattern UUID_TEXT =
      Pattern.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");

  /** What answers hold besides the definition. */
  private static final Set<String> READ_ONLY =
      Set.of("id", "last_execution", "next_run_at", "created_at", "updated_at", "version");

  private static final ObjectMapper JSON = new ObjectMapper();

  private OrchestrationJson() {}

  /** Reads a definition, or answers all that is wrong with it. */
  public static Outcome<OrchestrationDefinition> read(ObjectNode object) {
    FieldsJson fields = FieldsJson.of(object, READ_ONLY);
    OrchestrationDefinition definition = read(fields, configurations(fields));
    List<FieldError> errors = fields.errors();
    return errors.isEmpty() ? Outcome.of(definition) : Outcome.refused(Refusal.invalid(errors));
  }

  /**
   * Reads all but the configurations; what is wrong is among the fields' errors.
   *
   * @param configurations as they were read already
   */
  public static OrchestrationDefinition read(FieldsJson fields, List<UUID> configurations) {
    String name = fields.requiredText("name", NAME_MAX);
    if (name.chars().anyMatch(Character::isISOControl)) {
      fields.refuse("name", "'name' holds no control characters");
    }
    return new OrchestrationDefinition(
        name,
        configurations,
        fields.choice("mode", OrchestrationMode.class).orElse(OrchestrationMode.SEQUENTIAL),
        fields
            .integer("max_parallel", 1, OrchestrationDefinition.MAX_PARALLEL_MAX)
            .orElse(MAX_PARALLEL),
        fields.choice("on_failure", OnFailure.class).orElse(OnFailure.STOP),
        fields.choice("order", SyncOrder.class).orElse(SyncOrder.GIVEN),
        fields.choice("execution_mode", ExecutionMode.class).orElse(null),
        interval(fields.integer("sync_interval_seconds", 1, Integer.MAX_VALUE)));
  }

  private static @Nullable Integer interval(OptionalInt seconds) {
    return seconds.isPresent() ? Integer.valueOf(seconds.getAsInt()) : null;
  }

  private static List<UUID> configurations(FieldsJson fields) {
    fields.requirePresent("configurations");
    List<UUID> ids = new ArrayList<>();
    for (String text :
        fields
            .texts("configurations", OrchestrationDefinition.CONFIGURATIONS_MAX, UUID_LENGTH)
            .orElse(List.of())) {
      if (!UUID_TEXT.matcher(text).matches()) {
        fields.refuse("configurations", "'" + text + "' is not the id of a configuration");
        return List.of();
      }
      UUID id = UUID.fromString(text);
      if (ids.contains(id)) {
        fields.refuse("configurations", "'configurations' names '" + text + "' twice");
        return List.of();
      }
      ids.add(id);
    }
    return ids;
  }

  /** The definition with every field, defaults too. */
  public static ObjectNode write(OrchestrationDefinition definition) {
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    object.put("name", definition.name());
    ArrayNode configurations = object.putArray("configurations");
    definition.configurations().forEach(id -> configurations.add(id.toString()));
    object.put("mode", WireName.of(definition.mode()));
    object.put("max_parallel", definition.maxParallel());
    object.put("on_failure", WireName.of(definition.onFailure()));
    object.put("order", WireName.of(definition.order()));
    object.put(
        "execution_mode",
        definition.executionMode() == null ? null : WireName.of(definition.executionMode()));
    object.put("sync_interval_seconds", definition.syncIntervalSeconds());
    return object;
  }

  /** Reads a map of ids to texts. */
  static Map<UUID, String> readReasons(String text) {
    try {
      Map<UUID, String> reasons = new HashMap<>();
      JSON.readTree(text)
          .properties()
          .forEach(one -> reasons.put(UUID.fromString(one.getKey()), one.getValue().asText()));
      return reasons;
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("stored reasons are no JSON", e);
    }
  }

  static String writeText(OrchestrationDefinition definition) {
    return write(definition).toString();
  }

  /**
   * Reads the stored text.
   *
   * @throws IllegalStateException if it was not written by {@link #writeText}
   */
  static OrchestrationDefinition readText(String text) {
    try {
      return read((ObjectNode) JSON.readTree(text))
          .orElseThrow(
              refusal -> new IllegalStateException("a stored orchestration: " + refusal.detail()));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a stored orchestration is no JSON", e);
    }
  }
}

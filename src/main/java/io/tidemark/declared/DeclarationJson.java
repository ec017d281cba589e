package io.tidemark.declared;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.tidemark.orchestration.OrchestrationDefinition;
import io.tidemark.orchestration.OrchestrationJson;
import io.tidemark.sync.ConnectionDefinition;
import io.tidemark.sync.ConnectionDefinitionJson;
import io.tidemark.sync.FieldError;
import io.tidemark.sync.FieldsJson;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.SyncDefinitionJson;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads a sync file: YAML (or JSON, which is YAML) with the lists {@code connections}, {@code
 * configurations} and {@code orchestrations}. Each item has the fields of the REST API; an
 * orchestration names its configurations instead of their ids. In a connection {@code ${name}} is
 * the setting or environment variable of that name.
 */
final class DeclarationJson {
  private static final int ITEMS_MAX = 10_000;
  private static final int NAME_MAX = 128;

  private static final ObjectMapper YAML =
      YAMLMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static final Pattern REFERENCE = Pattern.compile("\\$\\{([A-Za-z0-9_.-]+)}");

  private final Function<String, Optional<String>> settings;
  private final List<FieldError> errors = new ArrayList<>();

  private DeclarationJson(Function<String, Optional<String>> settings) {
    this.settings = settings;
  }

  /**
   * Reads a file's text, or answers all that is wrong with it.
   *
   * @param settings the value of a name that the file refers to
   */
  static Outcome<Declaration> read(String text, Function<String, Optional<String>> settings) {
    JsonNode document;
    try {
      document = YAML.readTree(text);
    } catch (JsonProcessingException e) {
      // Without the parser's own message, which quotes the file.
      return Outcome.refused(
          Refusal.invalid(
              "",
              "it is not valid YAML, near line %d, column %d"
                  .formatted(e.getLocation().getLineNr(), e.getLocation().getColumnNr())));
    }
    if (!(document instanceof ObjectNode object) || object.isEmpty()) {
      return Outcome.refused(
          Refusal.invalid(
              "",
              "it declares nothing; it has the lists connections, configurations, orchestrations"));
    }
    return new DeclarationJson(settings).read(object);
  }

  private Outcome<Declaration> read(ObjectNode document) {
    FieldsJson fields = FieldsJson.of(document);
    Declaration declaration =
        new Declaration(
            each(fields, "connections", this::connection),
            each(fields, "configurations", this::configuration),
            each(fields, "orchestrations", this::orchestration));
    errors.addAll(fields.errors());
    requireDifferent("connections", declaration.connections(), ConnectionDefinition::name);
    requireDifferent("configurations", declaration.configurations(), SyncDefinition::name);
    requireDifferent("orchestrations", declaration.orchestrations(), DeclaredOrchestration::name);
    return errors.isEmpty() ? Outcome.of(declaration) : Outcome.refused(Refusal.invalid(errors));
  }

  private interface Item<T> {
    Outcome<T> read(ObjectNode object);
  }

  private <T> List<T> each(FieldsJson fields, String list, Item<T> item) {
    List<T> items = new ArrayList<>();
    List<ObjectNode> objects = fields.objects(list, ITEMS_MAX);
    for (int i = 0; i < objects.size(); i++) {
      String place = list + "[" + i + "]";
      Outcome<T> read = item.read(objects.get(i));
      read.map(items::add);
      read.refusal()
          .ifPresent(
              refusal ->
                  refusal
                      .errors()
                      .forEach(
                          error ->
                              errors.add(
                                  new FieldError(
                                      place + "." + error.field(),
                                      place + ": " + error.message()))));
    }
    return items;
  }

  private <T> void requireDifferent(String list, List<T> items, Function<T, String> name) {
    Set<String> names = new HashSet<>();
    for (T item : items) {
      if (!names.add(name.apply(item))) {
        errors.add(new FieldError(list, "'" + list + "' names '" + name.apply(item) + "' twice"));
      }
    }
  }

  private Outcome<ConnectionDefinition> connection(ObjectNode object) {
    FieldsJson fields = FieldsJson.of(object);
    return outcome(fields, ConnectionDefinitionJson.read(fields, text -> resolved(text, fields)));
  }

  private String resolved(String text, FieldsJson fields) {
    Matcher reference = REFERENCE.matcher(text);
    return reference.replaceAll(
        found -> {
          Optional<String> value = settings.apply(found.group(1));
          if (value.isEmpty()) {
            fields.refuse(
                "",
                "${"
                    + found.group(1)
                    + "} is not set; set it as an environment variable or a setting");
          }
          return Matcher.quoteReplacement(value.orElse("x"));
        });
  }

  private Outcome<SyncDefinition> configuration(ObjectNode object) {
    return SyncDefinitionJson.read(object);
  }

  private Outcome<DeclaredOrchestration> orchestration(ObjectNode object) {
    FieldsJson fields = FieldsJson.of(object);
    fields.requirePresent("configurations");
    List<String> names =
        fields
            .texts("configurations", OrchestrationDefinition.CONFIGURATIONS_MAX, NAME_MAX)
            .orElse(List.of());
    OrchestrationDefinition definition = OrchestrationJson.read(fields, List.of());
    return outcome(fields, new DeclaredOrchestration(definition, names));
  }

  private static <T> Outcome<T> outcome(FieldsJson fields, T value) {
    List<FieldError> errors = fields.errors();
    return errors.isEmpty() ? Outcome.of(value) : Outcome.refused(Refusal.invalid(errors));
  }
}

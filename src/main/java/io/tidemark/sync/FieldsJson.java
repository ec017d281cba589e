package io.tidemark.sync;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.change.WireName;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the fields of a JSON object and collects everything that is wrong with them, so that the
 * user learns all of it at once. A field that is null counts as absent. After the last field,
 * {@link #errors} also names the fields that nobody asked for.
 */
public final class FieldsJson {
  private final ObjectNode object;
  private final Set<String> known = new LinkedHashSet<>();
  private final Set<String> readOnly;
  private final List<FieldError> errors = new ArrayList<>();

  private FieldsJson(ObjectNode object, Set<String> readOnly) {
    this.object = object;
    this.readOnly = readOnly;
  }

  public static FieldsJson of(ObjectNode object) {
    return new FieldsJson(object, Set.of());
  }

  /** Likewise, with fields of answers that a request cannot set. */
  public static FieldsJson of(ObjectNode object, Set<String> readOnly) {
    return new FieldsJson(object, readOnly);
  }

  public void refuse(String field, String message) {
    errors.add(new FieldError(field, message));
  }

  /** The value, or null if absent; for what has no reader here. */
  @Nullable JsonNode node(String field) {
    known.add(field);
    JsonNode value = object.get(field);
    return value == null || value.isNull() ? null : value;
  }

  /** A text of 1 to {@code lengthMax} characters. */
  public Optional<String> text(String field, int lengthMax) {
    JsonNode value = node(field);
    if (value == null) {
      return Optional.empty();
    }
    if (!value.isTextual()) {
      refuse(field, "'" + field + "' is a text");
      return Optional.empty();
    }
    return checked(field, value.textValue(), lengthMax);
  }

  /** Likewise; its absence is an error, answered by an empty text. */
  public String requiredText(String field, int lengthMax) {
    requirePresent(field);
    return text(field, lengthMax).orElse("");
  }

  /** Its absence is an error. */
  public void requirePresent(String field) {
    if (node(field) == null) {
      refuse(field, "'" + field + "' is required");
    }
  }

  private Optional<String> checked(String field, String text, int lengthMax) {
    int length = text.codePointCount(0, text.length());
    if (text.isBlank() || length > lengthMax) {
      refuse(field, "'" + field + "' has 1 to " + lengthMax + " characters, not all blank");
      return Optional.empty();
    }
    // PostgreSQL's text holds neither; what is not refused here would fail later, and worse.
    if (text.indexOf('\0') >= 0 || hasLoneSurrogate(text)) {
      refuse(field, "'" + field + "' holds a character that PostgreSQL cannot store");
      return Optional.empty();
    }
    return Optional.of(text);
  }

  private static boolean hasLoneSurrogate(String text) {
    return text.codePoints()
        .anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
  }

  /** One of the constants, by its wire name. */
  public <E extends Enum<E>> Optional<E> choice(String field, Class<E> type) {
    JsonNode value = node(field);
    if (value == null) {
      return Optional.empty();
    }
    Optional<E> found =
        value.isTextual() ? WireName.find(type, value.textValue()) : Optional.empty();
    if (found.isEmpty()) {
      refuse(field, "'" + field + "' is one of: " + WireName.listOf(type));
    }
    return found;
  }

  /** Likewise; its absence is an error, answered by the first constant. */
  public <E extends Enum<E>> E requiredChoice(String field, Class<E> type) {
    requirePresent(field);
    return choice(field, type).orElse(type.getEnumConstants()[0]);
  }

  /** A whole number within bounds, both inclusive. */
  public OptionalInt integer(String field, int min, int max) {
    JsonNode value = node(field);
    if (value == null) {
      return OptionalInt.empty();
    }
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      refuse(field, "'" + field + "' is a whole number from " + min + " to " + max);
      return OptionalInt.empty();
    }
    int number = value.intValue();
    if (number < min || number > max) {
      refuse(field, "'" + field + "' is from " + min + " to " + max + ", not " + number);
      return OptionalInt.empty();
    }
    return OptionalInt.of(number);
  }

  public Optional<Boolean> flag(String field) {
    JsonNode value = node(field);
    if (value != null && !value.isBoolean()) {
      refuse(field, "'" + field + "' is true or false");
      return Optional.empty();
    }
    return Optional.ofNullable(value).map(JsonNode::booleanValue);
  }

  /** A JSON object. */
  public Optional<ObjectNode> object(String field) {
    JsonNode value = node(field);
    if (value == null) {
      return Optional.empty();
    }
    if (!(value instanceof ObjectNode found)) {
      refuse(field, "'" + field + "' is an object");
      return Optional.empty();
    }
    return Optional.of(found);
  }

  /** A list of JSON objects, at most {@code sizeMax} of them; empty if it is absent. */
  public List<ObjectNode> objects(String field, int sizeMax) {
    JsonNode value = node(field);
    if (value == null) {
      return List.of();
    }
    List<ObjectNode> objects = new ArrayList<>();
    for (JsonNode item : value) {
      if (item instanceof ObjectNode found) {
        objects.add(found);
      }
    }
    if (!value.isArray() || objects.size() < value.size() || value.size() > sizeMax) {
      refuse(field, "'" + field + "' is a list of at most " + sizeMax + " objects");
      return List.of();
    }
    return objects;
  }

  /** A list of different texts, 1 to {@code sizeMax} of them. */
  public Optional<List<String>> texts(String field, int sizeMax, int lengthMax) {
    JsonNode value = node(field);
    if (value == null) {
      return Optional.empty();
    }
    if (!value.isArray() || value.isEmpty() || value.size() > sizeMax) {
      refuse(field, "'" + field + "' is a list of 1 to " + sizeMax + " names");
      return Optional.empty();
    }
    Set<String> texts = new LinkedHashSet<>();
    for (JsonNode item : value) {
      if (!item.isTextual()) {
        refuse(field, "'" + field + "' is a list of texts");
        return Optional.empty();
      }
      Optional<String> text = checked(field, item.textValue(), lengthMax);
      if (text.isEmpty()) {
        return Optional.empty();
      }
      if (!texts.add(text.get())) {
        refuse(field, "'" + field + "' names '" + text.get() + "' twice");
        return Optional.empty();
      }
    }
    return Optional.of(List.copyOf(texts));
  }

  /** All that is wrong, including fields that were never asked for. */
  public List<FieldError> errors() {
    List<FieldError> all = new ArrayList<>(errors);
    object
        .fieldNames()
        .forEachRemaining(
            field -> {
              if (!known.contains(field)) {
                all.add(new FieldError(field, unknown(field)));
              }
            });
    return all;
  }

  private String unknown(String field) {
    if (readOnly.contains(field)) {
      return "'" + field + "' is read-only";
    }
    String snake = field.replaceAll("(?<=[a-z0-9])([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    String likely = known.contains(snake) ? "; did you mean '" + snake + "'?" : "";
    return "unknown field '" + field + "'" + likely;
  }
}

package io.tidemark.web;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.change.Row;
import io.tidemark.change.RowShape;
import io.tidemark.sync.FieldsJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A row that a person wrote, as a request has it: what the database makes of it, it says itself.
 */
final class RowBody {
  private RowBody() {}

  /**
   * Every value as text for PostgreSQL; a JSON object or list is the text of a json column.
   *
   * @param field that holds the object, among these fields
   */
  static Row read(ObjectNode object, String field, FieldsJson fields) {
    List<String> columns = new ArrayList<>();
    List<@Nullable String> values = new ArrayList<>();
    for (Map.Entry<String, JsonNode> column : object.properties()) {
      String text = text(column.getValue());
      if (column.getKey().indexOf('\0') >= 0 || text != null && text.indexOf('\0') >= 0) {
        fields.refuse(field, "'" + field + "' holds a character that PostgreSQL cannot store");
        text = null;
      }
      columns.add(column.getKey());
      values.add(text);
    }
    return Row.of(RowShape.ofText(columns), values.toArray(String[]::new));
  }

  private static @Nullable String text(JsonNode value) {
    if (value.isNull()) {
      return null;
    }
    // Digits as they were sent: a numeric column keeps them all.
    return value.isValueNode() ? value.asText() : value.toString();
  }
}

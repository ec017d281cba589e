package io.tidemark.change;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A table's schema as the bytes of a record of {@link TopicName#schemasOf}. The shape is published
 * in {@code schemas/table-schema.schema.json}.
 */
public final class TableSchemaJson {
  private static final JsonFactory JSON = new JsonFactory();

  private TableSchemaJson() {}

  /** A record's key. */
  public static byte[] key(TableSchema schema) {
    return schema.id().getBytes(StandardCharsets.UTF_8);
  }

  /** A record's value. */
  public static byte[] write(TableSchema schema) {
    ByteArrayBuilder bytes = new ByteArrayBuilder();
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringField("id", schema.id());
      json.writeStringField("schema", schema.table().schema());
      json.writeStringField("table", schema.table().table());
      json.writeArrayFieldStart("columns");
      for (TableSchema.Column column : schema.columns()) {
        write(json, column);
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void write(JsonGenerator json, TableSchema.Column column) throws IOException {
    json.writeStartObject();
    json.writeStringField("name", column.name());
    json.writeStringField("type", column.type());
    json.writeStringField("cast_type", column.castType());
    json.writeNumberField("type_oid", Integer.toUnsignedLong(column.typeOid()));
    json.writeNumberField("type_modifier", column.typeModifier());
    json.writeBooleanField("key", column.key());
    json.writeEndObject();
  }

  /**
   * Reads a record's value. Fields that are not known are skipped: a later version may write more.
   *
   * @throws IOException if the bytes are not a schema
   */
  public static TableSchema read(byte[] bytes) throws IOException {
    String id = "";
    String schema = "";
    String table = "";
    List<TableSchema.Column> columns = null;
    try (JsonParser json = JSON.createParser(bytes)) {
      require(json.nextToken(), JsonToken.START_OBJECT);
      for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
        json.nextToken();
        switch (name) {
          case "id" -> id = json.getText();
          case "schema" -> schema = json.getText();
          case "table" -> table = json.getText();
          case "columns" -> columns = readColumns(json);
          default -> json.skipChildren();
        }
      }
    }
    if (id.isEmpty() || schema.isEmpty() || table.isEmpty() || columns == null) {
      throw new IOException("a schema has an id, a table and columns");
    }
    return new TableSchema(id, new TableName(schema, table), columns);
  }

  private static List<TableSchema.Column> readColumns(JsonParser json) throws IOException {
    require(json.currentToken(), JsonToken.START_ARRAY);
    List<TableSchema.Column> columns = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      columns.add(readColumn(json));
    }
    return columns;
  }

  private static TableSchema.Column readColumn(JsonParser json) throws IOException {
    require(json.currentToken(), JsonToken.START_OBJECT);
    String column = "";
    String type = "";
    String castType = "";
    int typeOid = 0;
    int typeModifier = -1;
    boolean key = false;
    for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
      json.nextToken();
      switch (name) {
        case "name" -> column = json.getText();
        case "type" -> type = json.getText();
        case "cast_type" -> castType = json.getText();
        case "type_oid" -> typeOid = (int) json.getLongValue();
        case "type_modifier" -> typeModifier = json.getIntValue();
        case "key" -> key = json.getBooleanValue();
        default -> json.skipChildren();
      }
    }
    if (column.isEmpty() || type.isEmpty() || castType.isEmpty()) {
      throw new IOException("a column has a name and a type");
    }
    return new TableSchema.Column(column, type, castType, typeOid, typeModifier, key);
  }

  private static void require(JsonToken is, JsonToken wanted) throws IOException {
    if (is != wanted) {
      throw new IOException("a schema is a JSON object with a list of columns");
    }
  }
}

package io.tidemark.change;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A change as the bytes of a topic's record: Debezium's envelope as JSON without an inline schema.
 * The shape is published in {@code schemas/change-value.schema.json} and {@code
 * schemas/change-key.schema.json}.
 *
 * <p>Booleans, integers and finite floats are native JSON; every other value is PostgreSQL's own
 * text. A column whose value the source did not send is left out.
 */
public final class ChangeJson {
  /** Record header of a key change's delete: the new key. Debezium's name. */
  public static final String NEW_KEY_HEADER = "__debezium.newkey";

  /** Record header of a key change's insert: the old key. Debezium's name. */
  public static final String OLD_KEY_HEADER = "__debezium.oldkey";

  /** A value of up to 1 GB is a legal PostgreSQL field; Jackson's own bounds are far below. */
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNumberLength(100_000)
                  .build())
          .build();

  private ChangeJson() {}

  /** Writes changes. Holds a buffer, so one thread at a time may use it. */
  public static final class Writer {
    /** A buffer that one large row made larger than this is given back. */
    private static final int KEPT_BYTES_MAX = 1 << 20;

    private final String version;
    private final String topicPrefix;
    private ByteArrayBuilder buffer = new ByteArrayBuilder(8192);

    /**
     * @param version Tidemark's version, {@code source.version}
     * @param topicPrefix {@code source.name} is this, a dot and the connection's name
     */
    public Writer(String version, String topicPrefix) {
      this.version = version;
      this.topicPrefix = topicPrefix;
    }

    /** A record's key, or a key header's value: the columns of a key as one JSON object. */
    public byte[] key(Row key) {
      return write(json -> writeRow(json, key));
    }

    /**
     * A record's value.
     *
     * @param writtenMicros when this capture saw the change, microseconds since 1970 UTC
     */
    public byte[] value(Change change, long writtenMicros) {
      return write(
          json -> {
            json.writeStartObject();
            writeRows(json, change);
            writeSource(json, change.source());
            json.writeStringField("op", change.op());
            json.writeNumberField("ts_ms", Math.floorDiv(writtenMicros, 1000));
            json.writeNumberField("ts_us", writtenMicros);
            json.writeEndObject();
          });
    }

    private static void writeRows(JsonGenerator json, Change change) throws IOException {
      if (change instanceof Change.Truncate) {
        return;
      }
      writeImage(json, "before", change.imageBefore());
      writeImage(json, "after", change.imageAfter());
    }

    private static void writeImage(JsonGenerator json, String name, @Nullable Row row)
        throws IOException {
      json.writeFieldName(name);
      if (row == null) {
        json.writeNull();
      } else {
        writeRow(json, row);
      }
    }

    private static void writeRow(JsonGenerator json, Row row) throws IOException {
      RowShape shape = row.shape();
      json.writeStartObject();
      for (int i = 0; i < shape.size(); i++) {
        if (!row.isAbsent(i)) {
          json.writeFieldName(shape.column(i));
          writeValue(json, shape.kind(i), row.value(i));
        }
      }
      json.writeEndObject();
    }

    private static void writeValue(JsonGenerator json, ValueKind kind, @Nullable String value)
        throws IOException {
      if (value == null) {
        json.writeNull();
        return;
      }
      switch (kind) {
        case BOOLEAN -> json.writeBoolean(value.startsWith("t"));
        case NUMBER -> writeNumber(json, value);
        case TEXT -> json.writeString(value);
      }
    }

    private static void writeNumber(JsonGenerator json, String value) throws IOException {
      char last = value.charAt(value.length() - 1);
      if (last >= '0' && last <= '9') {
        json.writeNumber(value);
      } else {
        json.writeString(value);
      }
    }

    private void writeSource(JsonGenerator json, ChangeSource source) throws IOException {
      long micros = source.committedMicros();
      SourcePosition position = source.position();
      json.writeObjectFieldStart("source");
      json.writeStringField("version", version);
      json.writeStringField("connector", "postgresql");
      json.writeStringField("name", topicPrefix + "." + source.connection());
      json.writeNumberField("ts_ms", Math.floorDiv(micros, 1000));
      json.writeNumberField("ts_us", micros);
      json.writeStringField("snapshot", "false");
      json.writeStringField("db", source.database());
      json.writeStringField("schema", source.table().schema());
      json.writeStringField("table", source.table().table());
      json.writeNumberField("txId", source.transaction());
      json.writeNumberField("lsn", source.lsn());
      json.writeNumberField("commit_lsn", position.commitLsn());
      json.writeNumberField("ordinal", position.ordinal());
      json.writeNumberField("part", position.part());
      if (source.schemaId() != null) {
        json.writeStringField("schema_id", source.schemaId());
      }
      if (source.origin() != null) {
        json.writeStringField("origin", source.origin());
      }
      json.writeEndObject();
    }

    private byte[] write(Body body) {
      buffer.reset();
      try (JsonGenerator json = JSON.createGenerator(buffer, JsonEncoding.UTF8)) {
        body.write(json);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      byte[] bytes = buffer.toByteArray();
      if (bytes.length > KEPT_BYTES_MAX) {
        buffer = new ByteArrayBuilder(8192);
      }
      return bytes;
    }

    private interface Body {
      void write(JsonGenerator json) throws IOException;
    }
  }

  /** Reads changes back. Remembers shapes, so one thread at a time may use it. */
  public static final class Reader {
    private final String connection;
    private final Image key;
    private final Image before;
    private final Image after;

    /** A reader of the topics of one source connection. */
    public Reader(String connection) {
      this(connection, Map.of());
    }

    /**
     * Likewise, for rows that are to be written as JSON again.
     *
     * @param kinds of columns, by name; others are read as text
     */
    public Reader(String connection, Map<String, ValueKind> kinds) {
      this.connection = connection;
      key = new Image(kinds);
      before = new Image(kinds);
      after = new Image(kinds);
    }

    /** The columns of a record's key or of a key header. */
    public Row key(byte[] bytes) throws IOException {
      try (JsonParser json = JSON.createParser(bytes)) {
        json.nextToken();
        Row row = key.read(json);
        if (row == null) {
          throw new IOException("a key is a JSON object");
        }
        return row;
      }
    }

    /**
     * A record's value with the keys that its headers carry.
     *
     * @throws IOException if the bytes are not a change
     */
    public Change change(byte[] value, byte @Nullable [] oldKey, byte @Nullable [] newKey)
        throws IOException {
      Row earlier = null;
      Row later = null;
      String op = "";
      ChangeSource source = null;
      try (JsonParser json = JSON.createParser(value)) {
        if (json.nextToken() != JsonToken.START_OBJECT) {
          throw new IOException("a change is a JSON object");
        }
        for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
          json.nextToken();
          switch (name) {
            case "before" -> earlier = before.read(json);
            case "after" -> later = after.read(json);
            case "source" -> source = readSource(json);
            case "op" -> op = json.getText();
            default -> json.skipChildren();
          }
        }
      }
      if (source == null) {
        throw new IOException("a change has a source");
      }
      return switch (op) {
        case "c" -> new Change.Insert(source, have(later), oldKey == null ? null : key(oldKey));
        case "u" -> new Change.Update(source, earlier, have(later));
        case "d" -> new Change.Delete(source, have(earlier), newKey == null ? null : key(newKey));
        case "t" -> new Change.Truncate(source);
        default -> throw new IOException("unknown operation '" + op + "'");
      };
    }

    private static Row have(@Nullable Row row) throws IOException {
      if (row == null) {
        throw new IOException("the change lacks its row");
      }
      return row;
    }

    private ChangeSource readSource(JsonParser json) throws IOException {
      String database = "";
      String schema = "";
      String table = "";
      String origin = null;
      String schemaId = null;
      long transaction = 0;
      long lsn = 0;
      long micros = 0;
      long commitLsn = 0;
      long ordinal = 0;
      int part = 0;
      for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
        JsonToken token = json.nextToken();
        switch (name) {
          case "db" -> database = json.getText();
          case "schema" -> schema = json.getText();
          case "table" -> table = json.getText();
          case "origin" -> origin = token == JsonToken.VALUE_NULL ? null : json.getText();
          case "schema_id" -> schemaId = token == JsonToken.VALUE_NULL ? null : json.getText();
          case "txId" -> transaction = json.getLongValue();
          case "lsn" -> lsn = json.getLongValue();
          case "ts_us" -> micros = json.getLongValue();
          case "commit_lsn" -> commitLsn = json.getLongValue();
          case "ordinal" -> ordinal = json.getLongValue();
          case "part" -> part = json.getIntValue();
          default -> json.skipChildren();
        }
      }
      return new ChangeSource(
          connection,
          database,
          new TableName(schema, table),
          new SourcePosition(commitLsn, ordinal, part),
          transaction,
          lsn,
          micros,
          origin,
          schemaId);
    }
  }

  /** Reads one row object, and gives rows of the same columns the same shape. */
  private static final class Image {
    private final Map<String, ValueKind> kinds;
    private String[] columns = new String[16];
    private @Nullable String[] values = new String[16];
    private RowShape shape = RowShape.ofText(List.of());

    Image(Map<String, ValueKind> kinds) {
      this.kinds = Map.copyOf(kinds);
    }

    @Nullable Row read(JsonParser json) throws IOException {
      if (json.currentToken() == JsonToken.VALUE_NULL) {
        return null;
      }
      if (json.currentToken() != JsonToken.START_OBJECT) {
        throw new IOException("a row is a JSON object");
      }
      int count = 0;
      boolean known = true;
      for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
        if (count == columns.length) {
          columns = Arrays.copyOf(columns, 2 * count);
          values = Arrays.copyOf(values, 2 * count);
        }
        known = known && count < shape.size() && shape.column(count).equals(name);
        columns[count] = name;
        values[count++] = text(json.nextToken(), json);
      }
      if (!known || count != shape.size()) {
        List<String> names = List.of(Arrays.copyOf(columns, count));
        shape =
            RowShape.of(
                names, names.stream().map(one -> kinds.getOrDefault(one, ValueKind.TEXT)).toList());
      }
      Row row = Row.of(shape, Arrays.copyOf(values, count));
      Arrays.fill(values, 0, count, null);
      return row;
    }

    private static @Nullable String text(JsonToken token, JsonParser json) throws IOException {
      return switch (token) {
        case VALUE_NULL -> null;
        case VALUE_TRUE -> "t";
        case VALUE_FALSE -> "f";
        case VALUE_STRING, VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> json.getText();
        default -> throw new IOException("a column's value is neither object nor array");
      };
    }
  }
}

package io.tidemark.capture;

import io.tidemark.change.Row;
import io.tidemark.change.RowShape;
import io.tidemark.change.TableName;
import io.tidemark.change.TableSchema;
import io.tidemark.change.ValueKind;
import io.tidemark.postgres.TypeName;
import io.tidemark.postgres.TypeRef;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A table as pgoutput's Relation message describes it, and the reader of its tuples. Values stay
 * the server's own text, byte for byte.
 */
final class PgOutputTable {
  private static final int KEY_FLAG = 1;

  private final long relation;
  private final TableName named;
  private final RowShape shape;
  private final boolean[] inIdentity;
  private final TableSchema schema;
  private final int[] key;
  private final RowShape keyShape;

  private PgOutputTable(
      long relation, TableName named, RowShape shape, boolean[] inIdentity, TableSchema schema) {
    this.relation = relation;
    this.named = named;
    this.shape = shape;
    this.inIdentity = inIdentity;
    this.schema = schema;
    List<TableSchema.Column> all = schema.columns();
    this.key = IntStream.range(0, all.size()).filter(index -> all.get(index).key()).toArray();
    List<String> columns = new ArrayList<>();
    List<ValueKind> kinds = new ArrayList<>();
    for (int index : key) {
      columns.add(shape.column(index));
      kinds.add(shape.kind(index));
    }
    this.keyShape = RowShape.of(columns, kinds);
  }

  /** Reads a Relation message's body. */
  static PgOutputTable read(ByteBuffer body, PgOutputCatalog catalog) {
    long relation = Integer.toUnsignedLong(body.getInt());
    String schema = PgOutputTransaction.readString(body);
    String table = PgOutputTransaction.readString(body);
    TableName name = new TableName(schema.isEmpty() ? "pg_catalog" : schema, table);
    char identity = (char) body.get();
    int size = body.getShort();
    List<String> columns = new ArrayList<>(size);
    List<ValueKind> kinds = new ArrayList<>(size);
    List<TypeRef> types = new ArrayList<>(size);
    boolean[] inIdentity = new boolean[size];
    for (int i = 0; i < size; i++) {
      inIdentity[i] = (body.get() & KEY_FLAG) != 0;
      columns.add(PgOutputTransaction.readString(body));
      TypeRef type = new TypeRef(body.getInt(), body.getInt());
      types.add(type);
      kinds.add(ValueKind.ofTypeOid(type.oid()));
    }
    RowShape shape = RowShape.of(columns, kinds);
    // Under DEFAULT and USING INDEX the message itself says which columns the old key has, as of
    // this place in the WAL. Under FULL it flags every column, and the catalog must be asked.
    boolean told = identity != 'f' && any(inIdentity);
    PgOutputCatalog.Facts facts =
        catalog.ask(told ? OptionalLong.empty() : OptionalLong.of(relation), types);
    boolean[] isKey = told ? inIdentity : flags(shape, facts.key());
    TableName tracked = catalog.trackedName(relation, name);
    return new PgOutputTable(
        relation, name, shape, inIdentity, schema(tracked, shape, types, isKey, facts));
  }

  private static boolean[] flags(RowShape shape, List<String> columns) {
    boolean[] flags = new boolean[shape.size()];
    for (String column : columns) {
      int index = shape.indexOf(column);
      if (index >= 0) {
        flags[index] = true;
      }
    }
    return flags;
  }

  /**
   * The key's columns are in the table's order, whatever the index's order: the key's bytes must
   * not change when only the replica identity does, or a row would change its partition.
   */
  private static TableSchema schema(
      TableName name,
      RowShape shape,
      List<TypeRef> types,
      boolean[] isKey,
      PgOutputCatalog.Facts facts) {
    List<TableSchema.Column> columns = new ArrayList<>();
    for (int i = 0; i < shape.size(); i++) {
      TypeRef type = types.get(i);
      TypeName named = facts.types().getOrDefault(type, nameless(type));
      columns.add(
          new TableSchema.Column(
              shape.column(i),
              named.type(),
              named.castType(),
              type.oid(),
              type.modifier(),
              isKey[i]));
    }
    return TableSchema.of(name, columns);
  }

  /** The type was dropped after the change that is being sent: its values still come as text. */
  private static TypeName nameless(TypeRef type) {
    String oid = "oid " + Integer.toUnsignedString(type.oid());
    return new TypeName(oid, oid);
  }

  private static boolean any(boolean[] flags) {
    for (boolean flag : flags) {
      if (flag) {
        return true;
      }
    }
    return false;
  }

  /** The name under which the table is tracked. */
  TableName name() {
    return schema.table();
  }

  /** The same table, under the name that the catalog has for it now. */
  PgOutputTable trackedBy(PgOutputCatalog catalog) {
    TableName tracked = catalog.trackedName(relation, named);
    return tracked.equals(name())
        ? this
        : new PgOutputTable(
            relation, named, shape, inIdentity, TableSchema.of(tracked, schema.columns()));
  }

  TableSchema schema() {
    return schema;
  }

  /** Reads a whole tuple; a large value that did not change is absent. */
  Row readRow(ByteBuffer body) {
    return read(body, false);
  }

  /** Reads an old key: PostgreSQL sends nulls for the columns that are not of it. */
  Row readKeyRow(ByteBuffer body) {
    return read(body, true);
  }

  private Row read(ByteBuffer body, boolean keyOnly) {
    int size = body.getShort();
    if (size != shape.size()) {
      throw new IllegalStateException("a tuple of " + name() + " does not fit its description");
    }
    @Nullable String[] values = new @Nullable String[size];
    for (int i = 0; i < size; i++) {
      char kind = (char) body.get();
      String value =
          switch (kind) {
            case 'n' -> null;
            case 'u' -> Row.ABSENT;
            case 't' -> readText(body);
            default -> throw new IllegalStateException("unknown kind of value '" + kind + "'");
          };
      values[i] = keyOnly && !inIdentity[i] ? Row.ABSENT : value;
    }
    return Row.of(shape, values);
  }

  private static String readText(ByteBuffer body) {
    int length = body.getInt();
    int start = body.position();
    body.position(start + length);
    return new String(body.array(), body.arrayOffset() + start, length, StandardCharsets.UTF_8);
  }

  /** The row's key, or null if the table has none. */
  @Nullable Row keyOf(Row row) {
    if (key.length == 0) {
      return null;
    }
    @Nullable String[] values = new @Nullable String[key.length];
    for (int i = 0; i < key.length; i++) {
      values[i] = row.value(key[i]);
    }
    return Row.of(keyShape, values);
  }
}

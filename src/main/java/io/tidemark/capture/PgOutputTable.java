package io.tidemark.capture;

import io.tidemark.change.Row;
import io.tidemark.change.RowShape;
import io.tidemark.change.TableName;
import io.tidemark.change.ValueKind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A table as pgoutput's Relation message describes it, and the reader of its tuples. Values stay
 * the server's own text, byte for byte.
 */
final class PgOutputTable {
  private static final int KEY_FLAG = 1;

  private final TableName name;
  private final RowShape shape;
  private final boolean[] inIdentity;
  private final int[] key;
  private final RowShape keyShape;

  private PgOutputTable(TableName name, RowShape shape, boolean[] inIdentity, int[] key) {
    this.name = name;
    this.shape = shape;
    this.inIdentity = inIdentity;
    this.key = key;
    List<String> columns = new ArrayList<>();
    List<ValueKind> kinds = new ArrayList<>();
    for (int index : key) {
      columns.add(shape.column(index));
      kinds.add(shape.kind(index));
    }
    this.keyShape = RowShape.of(columns, kinds);
  }

  /** Names the key's columns of a table, empty if it has none. */
  interface Keys {
    List<String> of(TableName table);
  }

  /** Reads a Relation message's body after the relation's id. */
  static PgOutputTable read(ByteBuffer body, Keys keys) {
    String schema = PgOutputTransaction.readString(body);
    String table = PgOutputTransaction.readString(body);
    TableName name = new TableName(schema.isEmpty() ? "pg_catalog" : schema, table);
    char identity = (char) body.get();
    int size = body.getShort();
    List<String> columns = new ArrayList<>(size);
    List<ValueKind> kinds = new ArrayList<>(size);
    boolean[] inIdentity = new boolean[size];
    for (int i = 0; i < size; i++) {
      inIdentity[i] = (body.get() & KEY_FLAG) != 0;
      columns.add(PgOutputTransaction.readString(body));
      kinds.add(ValueKind.ofTypeOid(body.getInt()));
      body.getInt();
    }
    RowShape shape = RowShape.of(columns, kinds);
    return new PgOutputTable(name, shape, inIdentity, key(name, shape, identity, inIdentity, keys));
  }

  /**
   * The key's columns in the table's order, whatever the index's order: the key's bytes must not
   * change when only the replica identity does, or a row would change its partition.
   */
  private static int[] key(
      TableName name, RowShape shape, char identity, boolean[] inIdentity, Keys keys) {
    // Under DEFAULT and USING INDEX the message itself says which columns the old key has, as of
    // this place in the WAL. Under FULL it flags every column, and the catalog must be asked.
    boolean[] isKey = inIdentity;
    if (identity == 'f' || !any(inIdentity)) {
      isKey = new boolean[shape.size()];
      for (String column : keys.of(name)) {
        int index = shape.indexOf(column);
        if (index >= 0) {
          isKey[index] = true;
        }
      }
    }
    int size = 0;
    for (boolean one : isKey) {
      size += one ? 1 : 0;
    }
    int[] key = new int[size];
    for (int i = 0, at = 0; i < isKey.length; i++) {
      if (isKey[i]) {
        key[at++] = i;
      }
    }
    return key;
  }

  private static boolean any(boolean[] flags) {
    for (boolean flag : flags) {
      if (flag) {
        return true;
      }
    }
    return false;
  }

  TableName name() {
    return name;
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
      throw new IllegalStateException("a tuple of " + name + " does not fit its description");
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

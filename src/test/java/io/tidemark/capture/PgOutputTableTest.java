package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.capture.PgOutputCatalog.Facts;
import io.tidemark.change.TableName;
import io.tidemark.change.TableSchema;
import io.tidemark.change.TableSchema.Column;
import io.tidemark.postgres.TypeName;
import io.tidemark.postgres.TypeRef;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a Relation message and the catalog together say of a table. */
@Tag("unit")
final class PgOutputTableTest {
  private static final TypeRef BIGINT = new TypeRef(20, -1);
  private static final TypeRef SHORT_TEXT = new TypeRef(1043, 24);
  private static final TypeRef GONE = new TypeRef(-16, -1);
  private static final Map<TypeRef, TypeName> NAMES =
      Map.of(
          BIGINT, new TypeName("bigint", "bigint"),
          SHORT_TEXT, new TypeName("character varying(20)", "character varying"));

  private static final long RELATION = 4_000_000_000L;

  private final List<OptionalLong> asked = new ArrayList<>();
  private List<String> keyInCatalog = List.of();

  private record Sent(String name, boolean flagged, TypeRef type) {}

  @Test
  void takesTheKeyFromTheMessageAndNamesTypesByTheCatalog() {
    PgOutputTable table =
        read('d', new Sent("id", true, BIGINT), new Sent("Odd \"v\"", false, SHORT_TEXT));

    assertThat(table.schema())
        .isEqualTo(
            TableSchema.of(
                new TableName("shop", "orders"),
                List.of(
                    new Column("id", "bigint", "bigint", 20, -1, true),
                    new Column(
                        "Odd \"v\"",
                        "character varying(20)",
                        "character varying",
                        1043,
                        24,
                        false))));
    assertThat(asked).containsExactly(OptionalLong.empty());
  }

  @Test
  void asksOnceForKeyAndTypesUnderFullIdentity() {
    keyInCatalog = List.of("v", "dropped since");

    PgOutputTable table = read('f', new Sent("id", true, BIGINT), new Sent("v", true, SHORT_TEXT));

    assertThat(table.schema().columns().stream().filter(Column::key).map(Column::name))
        .containsExactly("v");
    assertThat(asked).containsExactly(OptionalLong.of(RELATION));
  }

  @Test
  void namesATypeThatIsGoneByItsOid() {
    PgOutputTable table = read('d', new Sent("id", true, BIGINT), new Sent("v", false, GONE));

    assertThat(table.schema().column("v"))
        .contains(new Column("v", "oid 4294967280", "oid 4294967280", -16, -1, false));
  }

  private PgOutputTable read(char identity, Sent... columns) {
    ByteBuffer body = ByteBuffer.allocate(1000);
    body.putInt((int) RELATION);
    text(body, "shop");
    text(body, "orders");
    body.put((byte) identity).putShort((short) columns.length);
    for (Sent column : columns) {
      body.put((byte) (column.flagged() ? 1 : 0));
      text(body, column.name());
      body.putInt(column.type().oid()).putInt(column.type().modifier());
    }
    return PgOutputTable.read(
        body.flip(),
        (keyOf, types) -> {
          asked.add(keyOf);
          return new Facts(keyInCatalog, NAMES);
        });
  }

  private static void text(ByteBuffer body, String text) {
    body.put(text.getBytes(StandardCharsets.UTF_8)).put((byte) 0);
  }
}

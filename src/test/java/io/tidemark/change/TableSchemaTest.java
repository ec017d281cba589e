package io.tidemark.change;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tidemark.change.TableSchema.Column;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("unit")
final class TableSchemaTest {
  private static final TableName TABLE = new TableName("shop", "orders");
  private static final Column ID = new Column("id", "bigint", "bigint", 20, -1, true);
  private static final Column TOTAL =
      new Column("total", "numeric(10,2)", "numeric", 1700, 655366, false);
  private static final Column ODD =
      new Column("it's \"odd\" ☃", "shop.\"Mood\"", "shop.\"Mood\"", -16, -1, false);
  private static final TableSchema SCHEMA = TableSchema.of(TABLE, List.of(ID, TOTAL, ODD));

  private final PublishedSchema published = PublishedSchema.of("table-schema");

  @Test
  void equalSchemasHaveTheSameIdInEveryProcess() {
    assertThat(TableSchema.of(TABLE, List.of(ID, TOTAL, ODD))).isEqualTo(SCHEMA);
    // Written down: an id must outlive the program that made it.
    assertThat(SCHEMA.id()).isEqualTo("14ee03df0adbcc5d");
  }

  static Stream<TableSchema> others() {
    return Stream.of(
        TableSchema.of(new TableName("shop", "order"), List.of(ID, TOTAL, ODD)),
        TableSchema.of(new TableName("public", "orders"), List.of(ID, TOTAL, ODD)),
        TableSchema.of(TABLE, List.of(ID, ODD, TOTAL)),
        TableSchema.of(TABLE, List.of(ID, TOTAL)),
        TableSchema.of(TABLE, List.of()),
        with(new Column("sum", "numeric(10,2)", "numeric", 1700, 655366, false)),
        with(new Column("total", "numeric(10,3)", "numeric", 1700, 655366, false)),
        with(new Column("total", "numeric(10,2)", "decimal", 1700, 655366, false)),
        with(new Column("total", "numeric(10,2)", "numeric", 1701, 655366, false)),
        with(new Column("total", "numeric(10,2)", "numeric", 1700, 655367, false)),
        with(new Column("total", "numeric(10,2)", "numeric", 1700, 655366, true)),
        // Where one fact ends and the next begins is told, too.
        with(new Column("totaln", "umeric(10,2)", "numeric", 1700, 655366, false)),
        with(new Column("total7:n", "umeric(10,2)", "numeric", 1700, 655366, false)));
  }

  private static TableSchema with(Column total) {
    return TableSchema.of(TABLE, List.of(ID, total, ODD));
  }

  @ParameterizedTest
  @MethodSource("others")
  void anyDifferenceGivesAnotherId(TableSchema other) {
    assertThat(other.id()).isNotEqualTo(SCHEMA.id());
  }

  @Test
  void findsAColumnByItsName() {
    assertThat(SCHEMA.column("total")).contains(TOTAL);
    assertThat(SCHEMA.column("TOTAL")).isEmpty();
  }

  @Test
  void readsBackWhatItWrote() throws IOException {
    for (TableSchema one : List.of(SCHEMA, TableSchema.of(TABLE, List.of()))) {
      assertThat(TableSchemaJson.read(TableSchemaJson.write(one))).isEqualTo(one);
    }
    assertThat(TableSchemaJson.key(SCHEMA)).asString(StandardCharsets.UTF_8).isEqualTo(SCHEMA.id());
  }

  @Test
  void keepsTheIdOfALaterVersionAndSkipsWhatItDoesNotKnow() throws IOException {
    String later =
        text(SCHEMA)
            .replace(SCHEMA.id(), "of another digest")
            .replace("\"key\":true", "\"key\":true,\"more\":{\"a\":[1]}")
            .replace("\"columns\"", "\"more\":[{}],\"columns\"");

    TableSchema read = TableSchemaJson.read(later.getBytes(StandardCharsets.UTF_8));

    assertThat(read).isEqualTo(new TableSchema("of another digest", TABLE, SCHEMA.columns()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{}",
        "null",
        "{\"id\":\"a\",\"schema\":\"s\",\"table\":\"t\"}",
        "{\"id\":\"a\",\"schema\":\"s\",\"table\":\"t\",\"columns\":{}}",
        "{\"id\":\"a\",\"schema\":\"s\",\"table\":\"t\",\"columns\":[1]}",
        "{\"id\":\"a\",\"schema\":\"s\",\"table\":\"t\",\"columns\":[{}]}",
        "{\"id\":\"a\",\"schema\":\"s\",\"table\":\"t\",\"columns\":["
      })
  void refusesWhatIsNoSchema(String bad) {
    assertThatThrownBy(() -> TableSchemaJson.read(bad.getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(IOException.class);
  }

  @Test
  void thePublishedSchemaDescribesWhatIsWritten() {
    assertThat(published.errors(text(SCHEMA))).as(text(SCHEMA)).isEmpty();
    assertThat(published.errors(text(TableSchema.of(TABLE, List.of())))).isEmpty();
  }

  static Stream<Arguments> wrongValues() {
    return Stream.of(
        Arguments.of("another id", "\"id\":\"", "\"id\":\"x"),
        Arguments.of("no table", "\"table\":\"orders\",", ""),
        Arguments.of("a field that nobody writes", "\"columns\":", "\"db\":\"d\",\"columns\":"),
        Arguments.of("an oid below zero", "\"type_oid\":20", "\"type_oid\":-20"),
        Arguments.of("an oid as text", "\"type_oid\":20", "\"type_oid\":\"20\""),
        Arguments.of("no modifier", "\"type_modifier\":-1,", ""),
        Arguments.of("a column without a type", "\"type\":\"bigint\",", ""),
        Arguments.of("a key that is neither", "\"key\":true", "\"key\":null"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongValues")
  void thePublishedSchemaRefusesWhatIsNeverWritten(String what, String right, String wrong) {
    assertThat(text(SCHEMA)).contains(right);

    assertThat(published.errors(text(SCHEMA).replace(right, wrong))).as(what).isNotEmpty();
  }

  private static String text(TableSchema schema) {
    return new String(TableSchemaJson.write(schema), StandardCharsets.UTF_8);
  }
}

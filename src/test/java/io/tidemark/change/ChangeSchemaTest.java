package io.tidemark.change;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The published schemas say what is written, and refuse what is not. */
@Tag("unit")
final class ChangeSchemaTest {
  private static final RowShape SHAPE =
      RowShape.of(
          List.of("id", "paid", "ratio", "total", "note"),
          List.of(
              ValueKind.NUMBER,
              ValueKind.BOOLEAN,
              ValueKind.NUMBER,
              ValueKind.TEXT,
              ValueKind.TEXT));
  private static final RowShape KEY_SHAPE =
      RowShape.of(List.of("id", "region"), List.of(ValueKind.NUMBER, ValueKind.TEXT));
  private static final Row ROW = Row.of(SHAPE, "7", "t", "1e-07", "12.50", "a \"b\" ☃");
  private static final Row NEXT = Row.of(SHAPE, "7", "f", "NaN", null, Row.ABSENT);
  private static final Row KEY = Row.of(KEY_SHAPE, "9223372036854775807", "north");

  private final ChangeJson.Writer writer = new ChangeJson.Writer("0.1.0", "tidemark");
  private final PublishedSchema values = PublishedSchema.of("change-value");
  private final PublishedSchema keys = PublishedSchema.of("change-key");

  static Stream<Change> changesOfEveryKind() {
    ChangeSource own = source(0, null);
    ChangeSource second = source(1, null);
    ChangeSource foreign = source(0, "another_node");
    return Stream.of(
        new Change.Insert(own, ROW),
        new Change.Insert(second, ROW, KEY),
        new Change.Update(own, null, NEXT),
        new Change.Update(foreign, ROW, NEXT),
        new Change.Delete(own, ROW),
        new Change.Delete(own, Row.of(RowShape.ofText(List.of("id")), "7")),
        new Change.Delete(own, ROW, KEY),
        new Change.Truncate(own),
        new Change.Truncate(foreign));
  }

  @ParameterizedTest
  @MethodSource("changesOfEveryKind")
  void describesEveryChangeThatIsWritten(Change change) {
    String json = text(writer.value(change, 1_700_000_000_200_000L));

    assertThat(values.errors(json)).as(json).isEmpty();
  }

  @Test
  void describesKeysOfAnyColumns() {
    assertThat(keys.errors(text(writer.key(KEY)))).isEmpty();
    assertThat(keys.errors(text(writer.key(Row.of(RowShape.ofText(List.of("code")), "x")))))
        .isEmpty();
  }

  static Stream<Arguments> wrongValues() {
    return Stream.of(
        Arguments.of("an unknown operation", "\"op\":\"c\"", "\"op\":\"r\""),
        Arguments.of("an insert that deletes", "\"op\":\"c\"", "\"op\":\"d\""),
        Arguments.of("a truncate with rows", "\"op\":\"c\"", "\"op\":\"t\""),
        Arguments.of("a field that nobody writes", "\"op\":", "\"more\":1,\"op\":"),
        Arguments.of("no position", "\"commit_lsn\":23803720,", ""),
        Arguments.of("a position as text", "\"ordinal\":3", "\"ordinal\":\"3\""),
        Arguments.of("a third part", "\"part\":0", "\"part\":2"),
        Arguments.of("an origin that is null", "\"part\":0", "\"part\":0,\"origin\":null"),
        Arguments.of(
            "a schema that is null", "\"schema_id\":\"00ff03df0adbcc5d\"", "\"schema_id\":null"),
        Arguments.of("a schema of another digest", "00ff03df0adbcc5d", "00FF03DF0ADBCC5D"),
        Arguments.of("a nested value", "\"paid\":true", "\"paid\":{\"yes\":true}"),
        Arguments.of("a list of values", "\"ratio\":1e-07", "\"ratio\":[1]"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongValues")
  void refusesWhatIsNeverWritten(String what, String right, String wrong) {
    String json = text(writer.value(new Change.Insert(source(0, null), ROW), 0));
    assertThat(json).contains(right);

    assertThat(values.errors(json.replace(right, wrong))).as(what).isNotEmpty();
  }

  @Test
  void refusesKeysThatAreNone() {
    for (String wrong : List.of("{}", "7", "null", "[7]", "{\"id\":{\"high\":1}}")) {
      assertThat(keys.errors(wrong)).as(wrong).isNotEmpty();
    }
  }

  private static ChangeSource source(int part, @Nullable String origin) {
    return new ChangeSource(
        "source",
        "source",
        new TableName("shop", "orders"),
        new SourcePosition(0x16B3748, 3, part),
        4_294_967_295L,
        0x16B3700,
        1_700_000_000_123_456L,
        origin,
        part == 0 ? "00ff03df0adbcc5d" : null);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}

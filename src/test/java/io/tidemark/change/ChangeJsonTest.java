package io.tidemark.change;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("unit")
final class ChangeJsonTest {
  private static final RowShape SHAPE =
      RowShape.of(
          List.of("id", "ok", "ratio", "note"),
          List.of(ValueKind.NUMBER, ValueKind.BOOLEAN, ValueKind.NUMBER, ValueKind.TEXT));
  private static final ChangeSource SOURCE =
      new ChangeSource(
          "source",
          "shop",
          new TableName("public", "orders"),
          new SourcePosition(0x16B3748, 3, 1),
          771,
          0x16B3700,
          1_700_000_000_123_456L,
          null,
          "14ee03df0adbcc5d");

  private final ChangeJson.Writer writer = new ChangeJson.Writer("1.0", "tidemark");
  private final ChangeJson.Reader reader = new ChangeJson.Reader("source");

  @Test
  void writesBooleansAndFiniteNumbersNativelyAndAllElseAsText() {
    Change change = new Change.Insert(SOURCE, Row.of(SHAPE, "7", "t", "1e-07", "a \"b\" ☃"));

    String json = text(writer.value(change, 1_700_000_000_200_000L));

    assertThat(json)
        .contains("\"after\":{\"id\":7,\"ok\":true,\"ratio\":1e-07,\"note\":\"a \\\"b\\\" ☃\"}")
        .contains("\"before\":null")
        .contains("\"op\":\"c\"")
        .contains("\"ts_ms\":1700000000200")
        .contains("\"lsn\":23803648,\"commit_lsn\":23803720,\"ordinal\":3")
        .contains("\"schema_id\":\"14ee03df0adbcc5d\"");
  }

  @Test
  void writesNotANumberAndInfinityAsText() {
    Change change = new Change.Insert(SOURCE, Row.of(SHAPE, "7", "f", "-Infinity", "NaN"));

    assertThat(text(writer.value(change, 0))).contains("\"ratio\":\"-Infinity\"");
  }

  @Test
  void leavesOutWhatTheSourceDidNotSend() {
    Change change = new Change.Update(SOURCE, null, Row.of(SHAPE, "7", "t", "1", Row.ABSENT));

    assertThat(text(writer.value(change, 0)))
        .contains("\"after\":{\"id\":7,\"ok\":true,\"ratio\":1}");
  }

  @Test
  void keepsTheTextThatReadsLikeTheAbsentMark() throws IOException {
    Change change = new Change.Insert(SOURCE, Row.of(SHAPE, "7", "t", "1", "absent"));

    Change back = reader.change(writer.value(change, 0), null, null);

    assertThat(back).isEqualTo(change);
  }

  @Test
  void readsBackWhatItWrote() throws IOException {
    Row row = Row.of(SHAPE, "9223372036854775807", "f", "NaN", null);
    Row key = Row.of(RowShape.ofText(List.of("id")), "8");
    for (Change change :
        List.of(
            new Change.Insert(SOURCE, row),
            new Change.Insert(SOURCE, row, key),
            new Change.Update(SOURCE, null, row),
            new Change.Update(SOURCE, row, row),
            new Change.Delete(SOURCE, row),
            new Change.Delete(SOURCE, row, key),
            new Change.Truncate(SOURCE))) {
      byte[] oldKey = change instanceof Change.Insert i && i.oldKey() != null ? keyOf(key) : null;
      byte[] newKey = change instanceof Change.Delete d && d.newKey() != null ? keyOf(key) : null;

      Change back = reader.change(writer.value(change, 5), oldKey, newKey);

      assertThat(back).isEqualTo(change);
    }
  }

  @Test
  void readsAndWritesAChangeFromBeforeSchemasWereNamed() throws IOException {
    byte[] now = writer.value(new Change.Truncate(SOURCE), 0);
    String named = ",\"schema_id\":\"14ee03df0adbcc5d\"";
    assertThat(text(now)).contains(named);
    byte[] before = text(now).replace(named, "").getBytes(StandardCharsets.UTF_8);

    Change change = reader.change(before, null, null);

    assertThat(change.source().schemaId()).isNull();
    assertThat(writer.value(change, 0)).isEqualTo(before);
  }

  @Test
  void rowsOfOneShapeShareIt() throws IOException {
    byte[] first = writer.value(new Change.Insert(SOURCE, Row.of(SHAPE, "1", "t", "1", "x")), 0);
    byte[] second = writer.value(new Change.Insert(SOURCE, Row.of(SHAPE, "2", "t", "1", "y")), 0);

    Change.Insert one = (Change.Insert) reader.change(first, null, null);
    Change.Insert two = (Change.Insert) reader.change(second, null, null);

    assertThat(two.after().shape()).isSameAs(one.after().shape());
  }

  @Test
  void refusesWhatIsNoChange() {
    for (String bad :
        List.of("[]", "{}", "{\"op\":\"c\"}", "not json", "{\"source\":{},\"op\":\"x\"}")) {
      assertThatThrownBy(() -> reader.change(bad.getBytes(StandardCharsets.UTF_8), null, null))
          .isInstanceOfAny(IOException.class, IllegalArgumentException.class);
    }
  }

  private byte[] keyOf(Row key) {
    return writer.key(key);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}

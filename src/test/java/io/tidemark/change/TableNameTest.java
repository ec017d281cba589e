package io.tidemark.change;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("unit")
final class TableNameTest {
  @Test
  void readsNamesAsSqlDoes() {
    assertThat(TableName.parse("users")).isEqualTo(new TableName("public", "users"));
    assertThat(TableName.parse("Shop.Users")).isEqualTo(new TableName("shop", "users"));
    assertThat(TableName.parse("\"Odd Name\"")).isEqualTo(new TableName("public", "Odd Name"));
    assertThat(TableName.parse("s.\"a.\"\"b\"")).isEqualTo(new TableName("s", "a.\"b"));
  }

  @Test
  void readsBackItsOwnText() {
    for (TableName name :
        List.of(
            new TableName("public", "t"), new TableName("A b", "c\"d"), new TableName("s", "1"))) {
      assertThat(TableName.parse(name.toString())).isEqualTo(name);
    }
  }

  @Test
  void refusesWhatIsNoName() {
    for (String bad : List.of("", ".", "a.", "a.b.c", "\"a", "\"a\"b", "a\"b", "a. b", "\"\"")) {
      assertThatThrownBy(() -> TableName.parse(bad))
          .as(bad)
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void topicsOfTablesThatDifferOnlyInOddCharactersDiffer() {
    String spaced = TopicName.of("p", "c", new TableName("s", "a b"));
    String dashed = TopicName.of("p", "c", new TableName("s", "a!b"));

    assertThat(spaced).matches("[a-zA-Z0-9._-]+").isNotEqualTo(dashed);
    assertThat(TopicName.of("p", "c", new TableName("a.b", "c")))
        .isNotEqualTo(TopicName.of("p", "c", new TableName("a", "b.c")));
    assertThat(TopicName.of("p", "c", new TableName("s", "t"))).isEqualTo("p.c.s.t");
  }
}

package io.tidemark.sync;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("unit")
class RowFilterTextTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "id > 5",
        "name = 'a;b)'",
        "name = 'it''s'",
        "name = E'it\\'s ;'",
        "name = $$;)$$",
        "name = $tag$ $$ ; ) $tag$",
        "\"odd;)\" = 1",
        "id in (1, (2))",
        "id = 1 -- a ; comment )",
        "id = 1 /* a /* nested */ ; */",
        "tags ? 'a'",
        "price$ > 1",
        "name = 'back\\'"
      })
  void acceptsWhatStaysInside(String filter) {
    assertThat(RowFilterText.problemOf(filter)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "true; drop table x",
        "true) or (true",
        "(true",
        "name = 'open",
        "name = E'open\\'",
        "\"open = 1",
        "name = $$open",
        "name = $a$ $b$",
        "/* open",
        "/* /* open */",
        "name = 'a'; --",
        "name = 'back\\'; select 'x'",
        "a$b$ ; $b$"
      })
  void refusesWhatGetsOut(String filter) {
    assertThat(RowFilterText.problemOf(filter)).isPresent();
  }
}

package io.tidemark.change;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("unit")
class SourcePositionTest {
  @ParameterizedTest
  @CsvSource({"0, 0, 0", "23803720, 3, 0", "23803720, 3, 1", "-1, 9223372036854775807, 0"})
  void isReadAsItIsWritten(long commitLsn, long ordinal, int part) {
    SourcePosition position = new SourcePosition(commitLsn, ordinal, part);

    assertThat(SourcePosition.parse(position.toString())).isEqualTo(position);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "0/0", "0/0:1+2+3", "x/0:1"})
  void isNothingElse(String text) {
    assertThatThrownBy(() -> SourcePosition.parse(text))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

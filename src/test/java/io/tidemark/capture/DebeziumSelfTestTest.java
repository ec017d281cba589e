package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.debezium.connector.postgresql.PostgresSourceInfoStructMaker;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("unit")
class DebeziumSelfTestTest {
  @Test
  void passesWithTheDebeziumThatIsBuiltIn() {
    assertThatCode(DebeziumSelfTest::require).doesNotThrowAnyException();
  }

  @Test
  void saysWhatDoesNotFitWhenRecordsAreNotStampedByUs() {
    String stock = PostgresSourceInfoStructMaker.class.getName();

    assertThatThrownBy(() -> DebeziumSelfTest.run(Map.of("sourceinfo.struct.maker", stock)))
        .hasMessageContaining("Debezium 3.")
        .hasMessageContaining("does not fit this program");
  }
}

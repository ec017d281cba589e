package io.tidemark.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.apache.kafka.common.errors.BrokerIdNotRegisteredException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.InvalidRequestException;
import org.apache.kafka.common.errors.NotControllerException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A controller is asked as soon as it listens, and answers before it is ready. */
@Tag("unit")
class KafkaFormerLifeTest {
  @Test
  void asksAgainWhileTheControllerIsNotReady() {
    assertThat(
            Stream.of(
                new UnsupportedVersionException("the level of the metadata is unknown"),
                new NotControllerException("the active controller appears to be node 1"),
                new TimeoutException("timed out waiting for a node assignment")))
        .allMatch(KafkaFormerLife::isNotReady);
  }

  @Test
  void takesEveryOtherAnswerForFinal() {
    assertThat(
            Stream.of(
                new BrokerIdNotRegisteredException("1"),
                new ClusterAuthorizationException("no"),
                new InvalidRequestException("what")))
        .noneMatch(KafkaFormerLife::isNotReady);
  }
}

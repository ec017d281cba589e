package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("unit")
final class KafkaPiecesTest {
  private static final TopicPartition P0 = new TopicPartition("t", 0);
  private static final TopicPartition P1 = new TopicPartition("t", 1);
  private static final int FULL = KafkaPieces.recordsMax(1000);

  @Test
  void wantsMoreOnlyBehindAFullPiece() {
    KafkaPieces pieces = new KafkaPieces(1000, 1 << 20);

    pieces.add(piece(P0, FULL, 10));
    assertThat(pieces.wantMore()).isTrue();

    pieces.add(piece(P0, FULL - 1, 10));
    assertThat(pieces.wantMore()).isFalse();
  }

  @Test
  void endsBeforeTheBatchWouldHaveTooManyRecords() {
    KafkaPieces pieces = new KafkaPieces(3 * FULL - 1, 1 << 20);

    pieces.add(piece(P0, FULL, 10));
    assertThat(pieces.wantMore()).isTrue();

    pieces.add(piece(P0, FULL, 10));
    assertThat(pieces.wantMore()).isFalse();
  }

  @Test
  void endsOnceTheBatchHasItsBytes() {
    KafkaPieces pieces = new KafkaPieces(1000, 1000L * FULL + 1);

    pieces.add(piece(P0, FULL, 1000));
    assertThat(pieces.wantMore()).isTrue();

    pieces.add(piece(P0, FULL, 1000));
    assertThat(pieces.wantMore()).isFalse();
  }

  @Test
  void takesABatchThatIsSmallerThanAPieceInOne() {
    KafkaPieces pieces = new KafkaPieces(3, 1 << 20);

    pieces.add(piece(P0, KafkaPieces.recordsMax(3), 10));

    assertThat(pieces.wantMore()).isFalse();
    assertThat(pieces.records().get(P0)).hasSize(3);
  }

  @Test
  void keepsThePartitionsApartAndForgetsTheOneThatWasMoved() {
    KafkaPieces pieces = new KafkaPieces(1000, 1 << 20);
    pieces.add(piece(P0, 2, 10));
    pieces.add(piece(P1, 3, 10));

    pieces.drop(P0);
    assertThat(pieces.records()).containsOnlyKeys(P1);

    pieces.add(piece(P0, 4, 10));
    assertThat(pieces.records().get(P0)).hasSize(4);
    assertThat(pieces.records().get(P1)).hasSize(3);
  }

  private static ConsumerRecords<byte[], byte[]> piece(
      TopicPartition partition, int count, int bytes) {
    List<ConsumerRecord<byte[], byte[]>> records =
        IntStream.range(0, count)
            .mapToObj(
                offset ->
                    new ConsumerRecord<>(
                        partition.topic(),
                        partition.partition(),
                        offset,
                        0L,
                        TimestampType.CREATE_TIME,
                        0,
                        bytes,
                        new byte[0],
                        new byte[bytes],
                        new RecordHeaders(),
                        Optional.empty()))
            .toList();
    return new ConsumerRecords<>(Map.of(partition, records), Map.of());
  }
}

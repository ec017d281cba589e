package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.change.TableSchema;
import io.tidemark.change.TableSchema.Column;
import io.tidemark.change.TableSchemaJson;
import io.tidemark.change.TopicName;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.DeleteHandling;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("database")
class KafkaTableSchemasTest {
  private static final PgDatabase NOWHERE =
      new PgDatabase("target", "jdbc:postgresql:nowhere", null, null);

  private final String topic = TopicName.schemasOf("t" + UUID.randomUUID(), "source");
  private final ApplyTask task =
      new ApplyTask(UUID.randomUUID(), "source", NOWHERE, "t", topic, DeleteHandling.APPLY, 2);
  private final KafkaTableSchemas schemas = new KafkaTableSchemas(task, TestStack.kafka());

  @Test
  void findsWhatIsCommittedAlsoWhatCameLater() throws Exception {
    create();
    try (KafkaProducer<byte[], byte[]> producer = producer()) {
      write(producer, schema(1), schema(2), schema(3));
      write(producer, schema(2));

      assertThat(schemas.find(schema(1).id())).contains(schema(1));
      assertThat(schemas.find(schema(4).id())).isEmpty();
      write(producer, schema(4));
      assertThat(schemas.find(schema(4).id())).contains(schema(4));
      assertThat(schemas.require(schema(3).id())).isEqualTo(schema(3));
    }
  }

  @Test
  void doesNotSeeWhatIsNotCommitted() throws Exception {
    create();
    try (KafkaProducer<byte[], byte[]> producer = producer()) {
      producer.beginTransaction();
      producer.send(record(schema(1))).get();
      assertThat(schemas.find(schema(1).id())).isEmpty();
      producer.abortTransaction();
      assertThat(schemas.find(schema(1).id())).isEmpty();
      write(producer, schema(1));
      assertThat(schemas.find(schema(1).id())).contains(schema(1));
    }
  }

  @Test
  void asksTheBrokerOnlyForWhatItDoesNotKnow() throws Exception {
    create();
    try (KafkaProducer<byte[], byte[]> producer = producer()) {
      write(producer, schema(1), schema(2));
    }
    schemas.require(schema(1).id());
    delete();

    assertThat(schemas.require(schema(2).id())).isEqualTo(schema(2));
    assertThatThrownBy(() -> schemas.require("0000000000000000"))
        .isInstanceOfSatisfying(
            OperatingFailure.class,
            failure -> {
              assertThat(failure.kind()).isEqualTo(OperatingFailure.Kind.BROKER);
              assertThat(failure.code()).isEqualTo("schema_unknown");
              assertThat(failure).hasMessageContaining(topic);
            });
  }

  @Test
  void refusesWhatIsNoSchema() throws Exception {
    create();
    try (KafkaProducer<byte[], byte[]> producer = producer()) {
      producer.beginTransaction();
      producer.send(new ProducerRecord<>(topic, new byte[] {'a'}, new byte[] {'{'}));
      producer.commitTransaction();
    }

    assertThatThrownBy(() -> schemas.find("a"))
        .isInstanceOf(OperatingFailure.class)
        .hasMessageContaining("offset 0 of " + topic);
  }

  @Test
  void givesUpOnABrokerThatIsAway() {
    Map<String, Object> dead = Map.of("bootstrap.servers", "127.0.0.1:1");

    assertThatThrownBy(() -> new KafkaTableSchemas(task, dead).find("a"))
        .isInstanceOf(KafkaException.class);
  }

  private static TableSchema schema(int version) {
    Column column = new Column("id", "integer", "integer", 23, version, true);
    return TableSchema.of(new TableName("public", "t"), List.of(column));
  }

  private void create() throws Exception {
    try (Admin admin = Admin.create(TestStack.kafka())) {
      admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
    }
  }

  private void delete() throws Exception {
    try (Admin admin = Admin.create(TestStack.kafka())) {
      admin.deleteTopics(List.of(topic)).all().get();
      Await.until(() -> !admin.listTopics().names().get().contains(topic));
    }
  }

  private KafkaProducer<byte[], byte[]> producer() {
    Map<String, Object> config = new HashMap<>(TestStack.kafka());
    config.put("transactional.id", topic);
    KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    producer.initTransactions();
    return producer;
  }

  private void write(KafkaProducer<byte[], byte[]> producer, TableSchema... all) {
    producer.beginTransaction();
    for (TableSchema schema : all) {
      producer.send(record(schema));
    }
    producer.commitTransaction();
    // The markers of this transaction are there when the next one has its first record.
    producer.beginTransaction();
    producer.send(new ProducerRecord<>(topic, new byte[] {'-'}, null));
    producer.commitTransaction();
  }

  private ProducerRecord<byte[], byte[]> record(TableSchema schema) {
    return new ProducerRecord<>(topic, TableSchemaJson.key(schema), TableSchemaJson.write(schema));
  }
}

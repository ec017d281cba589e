package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.sync.SyncState;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("engine")
class TopicIdentityTest {
  private static final String TABLE = "create table t (id int primary key, v text)";

  private static final String TOPIC_ID =
      "select string_agg(topic_id::text, ',') from tidemark.applied_position";

  private final EngineFixture fixture = new EngineFixture();
  private UUID t;

  @BeforeEach
  void streaming() {
    TestStack.execute(fixture.source, TABLE);
    TestStack.execute(fixture.target, TABLE);
    fixture.start();
    t = fixture.create("t", "");
    fixture.awaitState(t, SyncState.STREAMING);
    TestStack.execute(fixture.source, "insert into t select g, 'a' from generate_series(1, 5) g");
    fixture.awaitEqual("t");
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private void awaitReason(String part) {
    Await.untilAsserted(
        () -> assertThat(fixture.find(t).configuration().stateReason()).contains(part));
  }

  @Test
  void goesOnInATopicOfTheSameNameOnlyAfterAFullCopy() {
    fixture.service().pause(t);
    TestStack.execute(fixture.source, "insert into t values (6, 'lost with the topic')");
    fixture.awaitCaptured();
    fixture.stop();
    fixture.deleteTopic("t");
    fixture.createTopic("t");

    fixture.start();
    // As many changes as the target had seen: by its offset alone it would go on after them.
    TestStack.execute(fixture.source, "update t set v = 'b'");
    fixture.service().resume(t);
    awaitReason("deleted and made anew");
    assertThat(fixture.find(t).configuration().stateReason()).contains("full");
    Execution copy =
        EngineFixture.value(
            fixture.service().execute(t, ExecutionMode.FULL, ExecutionTrigger.MANUAL));

    fixture.awaitCompleted(copy.id());
    fixture.awaitState(t, SyncState.STREAMING);
    TestStack.execute(fixture.source, "insert into t values (7, 'after')");
    fixture.awaitEqual("t");
  }

  @Test
  void neverMakesADeletedTopicAgainByItself() {
    fixture.deleteTopic("t");
    TestStack.execute(fixture.source, "insert into t values (6, 'nowhere to go')");
    Await.untilAsserted(
        () ->
            assertThat(fixture.engine().problems())
                .anyMatch(
                    problem ->
                        problem.contains(fixture.topic("t"))
                            && problem.contains("POST /captures/source/reset")));
    assertThat(fixture.topics()).doesNotContain(fixture.topic("t"));

    List<Execution> copies =
        EngineFixture.value(fixture.service().resetCapture("source", ResetIf.FAILED));

    assertThat(copies).hasSize(1);
    fixture.awaitCompleted(copies.get(0).id());
    TestStack.execute(fixture.source, "insert into t values (7, 'after')");
    fixture.awaitEqual("t");
  }

  @Test
  void notesTheTopicWhereAnEarlierVersionDidNot() {
    String noted = TestStack.text(fixture.target, TOPIC_ID);
    fixture.stop();
    TestStack.execute(fixture.target, "alter table tidemark.applied_position drop column topic_id");

    fixture.start();
    TestStack.execute(fixture.source, "insert into t values (6, 'b')");
    fixture.awaitEqual("t");

    assertThat(noted).hasSize(36);
    assertThat(TestStack.text(fixture.target, TOPIC_ID)).isEqualTo(noted);
  }
}

package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.run.TopicDescription.TopicColumn;
import io.tidemark.sync.SyncState;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("engine")
final class TopicDescriptionsTest {
  private static final TopicColumn ID = new TopicColumn("id", "bigint", true);
  private static final TopicColumn NAME = new TopicColumn("name", "character varying(20)", false);
  private static final TopicColumn N = new TopicColumn("n", "integer", false);

  private final EngineFixture fixture = new EngineFixture();

  @AfterEach
  void stop() {
    fixture.close();
  }

  @Test
  void describesEachTopicByTheNewestSchemaThatItsChangesName() {
    for (var database : List.of(fixture.source, fixture.target)) {
      TestStack.execute(database, "create table users (id bigint primary key, name varchar(20))");
    }
    fixture.start();
    UUID users = fixture.create("users", "");
    fixture.awaitState(users, SyncState.STREAMING);

    TopicDescription before = only();
    assertThat(before.name()).isEqualTo(fixture.topic("users"));
    assertThat(before.partitions()).isEqualTo(1);
    assertThat(before.key()).containsExactly("id");
    assertThat(before.columns()).containsExactly(ID, NAME);
    assertThat(before.schemaId()).isNull();

    String first = changed("insert into users values (1, 'a')");
    assertThat(only().columns()).containsExactly(ID, NAME);
    String second = changed("alter table users add n int; insert into users values (2, 'b', 3)");
    assertThat(only().columns()).containsExactly(ID, NAME, N);
    assertThat(second).isNotEqualTo(first);
    // It is not written again, and yet it is the newest.
    assertThat(changed("alter table users drop n; insert into users values (3, 'c')"))
        .isEqualTo(first);
    assertThat(only().columns()).containsExactly(ID, NAME);

    fixture.start(EngineFixture.DEAD, fixture.target);
    assertThat(only().columns()).contains(ID, NAME);
  }

  private TopicDescription only() {
    List<TopicDescription> all = fixture.service().topics();
    assertThat(all).hasSize(1);
    return all.get(0);
  }

  /** The id after the change was captured. */
  private String changed(String sql) {
    TestStack.execute(fixture.source, sql);
    fixture.awaitCaptured();
    Await.until(() -> only().schemaId() != null);
    return String.valueOf(only().schemaId());
  }
}

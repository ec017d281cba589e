package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.capture.CaptureFixture.Read;
import io.tidemark.change.Change;
import io.tidemark.change.TableName;
import java.util.List;
import org.junit.jupiter.api.Test;

class CaptureTest {
  private static final TableName T = new TableName("public", "t");

  @Test
  void writesEachKindOfChangeOnce() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key, v text, b bool, f float8)");
      ChangeTracker tracker = fixture.tracker();
      tracker.start(fixture.source);
      tracker.ensureTracked(fixture.source, T);

      fixture.execute(
          "insert into t values (1, 'a', true, 1.5), (2, null, null, 'NaN')",
          "update t set v = 'b' where id = 1",
          "update t set id = 3 where id = 2",
          "delete from t where id = 1",
          "truncate t");
      fixture.settle(tracker);

      List<Read> read = fixture.read(T);
      assertThat(read.stream().map(one -> one.change().op()).toList())
          .containsExactly("c", "c", "u", "d", "c", "d", "t");
      Change.Delete moved = (Change.Delete) read.get(3).change();
      assertThat(moved.movedTo().orElseThrow().value(0)).isEqualTo("3");
      Change.Insert came = (Change.Insert) read.get(4).change();
      assertThat(came.movedFrom().orElseThrow().value(0)).isEqualTo("2");
      assertThat(moved.position().ordinal()).isEqualTo(came.position().ordinal());
      assertThat(came.position().part()).isEqualTo(1);
      assertThat(came.after().value(3)).isEqualTo("NaN");
      assertThat(read.get(6).key()).isNull();
    }
  }
}

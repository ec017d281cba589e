package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictResolution;
import java.sql.SQLException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A batch is prepared while another one is being written, which may change what it comes to. */
@Tag("database")
class PreparedBatchTest {
  @Test
  void isWrittenAsItWasPrepared() throws SQLException {
    try (ApplyFixture f = fixture(ConflictResolution.SOURCE_WINS)) {
      f.insert("1", "one", "a", null, "x");
      f.insert("2", "two", "b", null, null);
      f.insert("3", "three", null, null, "large");
      f.prepare();
      f.update("1", "one more", "a", null, "x");
      f.delete("2");
      f.update("3", "other", null, null, Row.ABSENT);
      f.insert("4", "four", "b", null, null);
      f.prepare();
      f.move("4", "5", "five", "c", null, null);
      f.truncate();
      f.insert("6", "six", "b", null, null);
      f.prepare();

      assertThat(f.apply()).isEqualTo(RowCounts.written(3, 0, 0));
      assertThat(f.apply()).isEqualTo(RowCounts.written(1, 2, 1));
      assertThat(f.rows()).isEqualTo("1,one more,a,x|3,other,,large|4,four,b,");
      f.apply();
      assertThat(f.rows()).isEqualTo("6,six,b,");
      assertThat(f.log.all()).isEmpty();
    }
  }

  @Test
  void leavesOutAKeyThatHasBegunToWaitMeanwhile() throws SQLException {
    try (ApplyFixture f = fixture(ConflictResolution.MANUAL)) {
      f.insert("1", "first", null, null, null);
      f.apply();
      f.others("update item set name = 'theirs'");
      f.update("1", "ours", null, null, null);
      f.prepare();
      f.update("1", "ours later", null, null, null);
      f.insert("2", "flows", null, null, null);
      f.prepare();
      f.apply();

      assertThat(f.apply().skipped()).isEqualTo(1);

      assertThat(f.rows()).isEqualTo("1,theirs,,|2,flows,,");
      assertThat(f.log.all()).hasSize(1);
      assertThat(f.log.joined().get(RowKey.of("1")).source())
          .isEqualTo(ApplyFixture.row("1", "ours later", null, null, null));
    }
  }

  @Test
  void isWrittenByTheMappingThatHoldsWhenItsTurnComes() throws SQLException {
    try (ApplyFixture f = fixture(ConflictResolution.SOURCE_WINS)) {
      f.insert("1", "one", "a", null, "not mapped any more");
      f.prepare();
      f.map("id", "name", "code");

      f.apply();

      assertThat(f.rows()).isEqualTo("1,one,a,");
    }
  }

  @Test
  void isLookedAtFirstLikeAnyOtherAfterAConflict() throws SQLException {
    try (ApplyFixture f = fixture(ConflictResolution.SOURCE_WINS)) {
      f.insert("1", "ours", null, null, null);
      f.prepare();
      f.update("1", "ours later", null, null, null);
      f.insert("2", "ours", null, null, null);
      f.prepare();
      f.others("insert into item values (1, 'theirs'), (2, 'theirs')");

      f.apply();
      f.apply();

      assertThat(f.rows()).isEqualTo("1,ours later,,|2,ours,,");
      assertThat(f.log.all()).hasSize(2);
    }
  }

  private static ApplyFixture fixture(ConflictResolution strategy) throws SQLException {
    return new ApplyFixture(strategy, ConflictDetection.ORIGIN);
  }
}

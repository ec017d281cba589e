package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.change.Row;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.conflict.ConflictType;
import io.tidemark.sync.DeleteHandling;
import java.sql.SQLException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Whatever makes a value unique at the target, the row that holds it is found, and no other. */
@Tag("oldest-postgres")
@Tag("database")
final class HeldValuesTest {
  private static final String T = "2024-01-01 00:00:00+00";

  private static ApplyFixture target(ConflictResolution strategy, String before)
      throws SQLException {
    return new ApplyFixture(
        new ConflictPolicy(strategy, ConflictDetection.EXISTENCE, "at", false),
        DeleteHandling.APPLY,
        before);
  }

  @Test
  void holdersUnderAnExpressionGiveWayOrStand() throws SQLException {
    String index = "create unique index on item (lower(name), (coalesce(note, '-')));";
    for (ConflictResolution strategy :
        new ConflictResolution[] {
          ConflictResolution.SOURCE_WINS, ConflictResolution.TARGET_WINS, ConflictResolution.MANUAL
        }) {
      try (ApplyFixture f = target(strategy, index)) {
        f.others(
            "insert into item values (8, 'OTHER', null, null, 'x'), (9, 'NAME', null, null, null)");
        f.insert("1", "Name", null, T, null);

        f.apply();

        assertThat(f.rows())
            .as(strategy.name())
            .isEqualTo(
                strategy == ConflictResolution.SOURCE_WINS
                    ? "1,Name,,|8,OTHER,,x"
                    : "8,OTHER,,x|9,NAME,,");
        assertThat(f.onlyConflict().type()).isEqualTo(ConflictType.UNIQUE_VIOLATION);
        assertThat(f.onlyConflict().differing()).containsExactly("name", "note");
        assertThat(f.parked.all()).isEmpty();
      }
    }
  }

  @Test
  void rowsThatAnIndexOfSomeRowsLeavesOutHoldNothing() throws SQLException {
    String index =
        """
        create unique index on item (name) include (note, code)
          where note is null and at is not null;
        """;
    try (ApplyFixture f = target(ConflictResolution.SOURCE_WINS, index)) {
      f.others(
          """
          insert into item
          values (7, 'name', null, now(), 'left'), (8, 'name', null, null, null),
            (9, 'name', null, now(), null)
          """);
      f.insert("1", "name", null, T, null);
      f.insert("2", "name", null, T, "left out");

      f.apply();

      assertThat(f.rows()).isEqualTo("1,name,,|2,name,,left out|7,name,,left|8,name,,");
      assertThat(f.onlyConflict().target().value(0)).isEqualTo("9");
    }
  }

  @Test
  void nullsThatAreOneValueHaveAHolder() throws SQLException {
    String index = "create unique index on item (name, note) nulls not distinct;";
    try (ApplyFixture f = target(ConflictResolution.SOURCE_WINS, index)) {
      f.others("insert into item values (9, 'name', null)");
      f.insert("1", "name", null, T, null);

      f.apply();

      assertThat(f.rows()).isEqualTo("1,name,,");
      assertThat(f.onlyConflict().target().value(0)).isEqualTo("9");
    }
  }

  @Test
  void aValueThatWasNotSentIsTheTargetRowsOwn() throws SQLException {
    String index = "create unique index on item (name, note);";
    try (ApplyFixture f = target(ConflictResolution.SOURCE_WINS, index)) {
      f.others("insert into item values (1, 'old', null, null, 'n'), (9, 'name', null, null, 'n')");
      f.update("1", "name", null, T, Row.ABSENT);

      f.apply();

      assertThat(f.rows()).isEqualTo("1,name,,n");
      assertThat(f.onlyConflict().target().value(0)).isEqualTo("9");
    }
  }

  @Test
  void holdersInAnotherPartitionAreFoundByTheTreesIndexOnly() throws SQLException {
    String partitions =
        """
        drop table item;
        create table item (id bigint primary key, name text, code text, at timestamptz, note text)
          partition by range (id);
        create table low partition of item for values from (0) to (5);
        create table high partition of item for values from (5) to (100);
        create unique index on item (id, code);
        create unique index on low (name);
        """;
    try (ApplyFixture f = target(ConflictResolution.SOURCE_WINS, partitions)) {
      f.others("insert into item values (2, 'name', null), (9, 'name', null)");
      f.insert("1", "name", null, T, null);

      f.apply();

      // The index of one partition says nothing of the others: whose value it is cannot be told.
      assertThat(f.rows()).isEqualTo("2,name,,|9,name,,");
      assertThat(f.parked.all()).hasSize(1);
      assertThat(f.log.all()).isEmpty();
    }
  }

  @Test
  void anIndexOverColumnsThatAreNotMappedIsNoConflict() throws SQLException {
    String index =
        "alter table item add tenant int default 7; create unique index on item (name, tenant);";
    try (ApplyFixture f = target(ConflictResolution.SOURCE_WINS, index)) {
      f.others("insert into item values (9, 'name', null)");
      f.insert("1", "name", null, T, null);

      f.apply();

      assertThat(f.rows()).isEqualTo("9,name,,");
      assertThat(f.parked.all()).hasSize(1);
    }
  }
}

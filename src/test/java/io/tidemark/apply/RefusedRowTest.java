package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolution;
import io.tidemark.sync.DeleteHandling;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Changes of a row that the target refused when it came: nobody else took it away. */
@Tag("database")
final class RefusedRowTest {
  private static final String AT = "2020-01-01 00:00:00+00";
  private ApplyFixture fixture;

  private ApplyFixture refusing(ConflictResolution strategy) throws SQLException {
    fixture =
        new ApplyFixture(
            new ConflictPolicy(strategy, ConflictDetection.ORIGIN, "at", false),
            DeleteHandling.APPLY,
            "alter table item add check (length(name) < 10);");
    fixture.insert("1", "far too long", null, AT, null);
    fixture.insert("2", "fits", null, AT, null);
    return fixture;
  }

  @AfterEach
  void noConflict() throws SQLException {
    assertThat(fixture.log.all()).isEmpty();
    fixture.close();
  }

  @ParameterizedTest
  @EnumSource(ConflictResolution.class)
  void anUpdateThatFitsBringsIt(ConflictResolution strategy) throws SQLException {
    ApplyFixture f = refusing(strategy);
    f.apply();
    assertThat(f.parked.all()).hasSize(1);
    f.update("1", "short", null, AT, null);

    f.apply();

    assertThat(f.rows()).isEqualTo("1,short,,|2,fits,,");
  }

  @ParameterizedTest
  @EnumSource(ConflictResolution.class)
  void anUpdateOfItsKeyBringsItToo(ConflictResolution strategy) throws SQLException {
    ApplyFixture f = refusing(strategy);
    f.apply();
    f.move("1", "3", "short", null, AT, null);

    f.apply();

    assertThat(f.rows()).isEqualTo("2,fits,,|3,short,,");
  }

  @ParameterizedTest
  @EnumSource(ConflictResolution.class)
  void oneThatIsRefusedAtTheCommitOnlyIsSetAsideAloneToo(ConflictResolution strategy)
      throws SQLException {
    fixture =
        new ApplyFixture(
            new ConflictPolicy(strategy, ConflictDetection.ORIGIN, "at", false),
            DeleteHandling.APPLY,
            """
            create function refuse() returns trigger language plpgsql as $$ begin
              raise check_violation;
            end $$;
            create constraint trigger late after insert on item deferrable initially deferred
              for each row when (new.name = 'bad') execute function refuse();
            alter table item enable always trigger late;
            """);
    fixture.insert("1", "good", null, AT, null);
    fixture.insert("2", "bad", null, AT, null);
    fixture.insert("3", "good", null, AT, null);

    fixture.apply();

    assertThat(fixture.rows()).isEqualTo("1,good,,|3,good,,");
    assertThat(fixture.parked.all()).hasSize(1);
  }

  @ParameterizedTest
  @EnumSource(ConflictResolution.class)
  void itsDeletionIsNoConflict(ConflictResolution strategy) throws SQLException {
    ApplyFixture f = refusing(strategy);
    f.apply();
    f.delete("1");

    f.apply();

    assertThat(f.rows()).isEqualTo("2,fits,,");
  }

  @ParameterizedTest
  @EnumSource(ConflictResolution.class)
  void alsoWithinOneBatch(ConflictResolution strategy) throws SQLException {
    ApplyFixture f = refusing(strategy);
    f.move("1", "3", "too long again", null, AT, null);
    f.move("3", "4", "short", null, AT, null);

    f.apply();

    assertThat(f.rows()).isEqualTo("2,fits,,|4,short,,");
  }
}

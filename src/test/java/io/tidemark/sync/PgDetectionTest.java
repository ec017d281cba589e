package io.tidemark.sync;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.TestStack;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.DetectionChoice;
import io.tidemark.postgres.PgDatabase;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("oldest-postgres")
@Tag("database")
final class PgDetectionTest {
  private static final PgDatabase SOURCE = TestStack.database("source");
  private static final PgDatabase TARGET = TestStack.database("target");
  private static final PgDatabase PLAIN = plain();

  /** The target as a role sees it that may write rows, and nothing else. */
  private static PgDatabase plain() {
    TestStack.execute(
        TARGET,
        """
        drop role if exists "Plain role";
        create role "Plain role" login password 'plain';
        create schema tidemark;
        grant all on schema tidemark to "Plain role";
        """);
    String url = TARGET.url().replaceAll("user=[^&]*", "x=").replaceAll("password=[^&]*", "y=");
    return new PgDatabase("target", url.replaceAll("[?].*", ""), "Plain role", "plain");
  }

  @BeforeEach
  void tables() {
    for (PgDatabase database : List.of(SOURCE, TARGET)) {
      TestStack.execute(
          database,
          """
          drop table if exists users;
          create table users (id bigint primary key, updated_at timestamptz, made date, name text);
          """);
    }
    TestStack.execute(TARGET, "grant all on users to \"Plain role\"");
  }

  private static PreFlightReport inspect(PgDatabase target, String more) throws Exception {
    ObjectNode json =
        (ObjectNode)
            new ObjectMapper()
                .readTree(
                    """
                    {"name": "n", "source_table": "users", "target_table": "users",
                     "sync_strategy": "merge"%s}
                    """
                        .formatted(more));
    SyncDefinition definition =
        SyncDefinitionJson.read(json)
            .orElseThrow(refusal -> new IllegalArgumentException(refusal.detail()));
    return new PgPreFlight(name -> name).inspect(definition, SOURCE, target);
  }

  private static DetectionChoice choice(PgDatabase target, String more) throws Exception {
    PreFlightReport report = inspect(target, more);
    return report.detection().orElseThrow(() -> new AssertionError(report.findings()));
  }

  private static Finding error(PgDatabase target, String more) throws Exception {
    return inspect(target, more).findings().stream()
        .filter(Finding::isError)
        .findFirst()
        .orElseThrow();
  }

  @Test
  void takesOriginsWhereTheTargetTellsThemAndTheRoleMayUseThem() throws Exception {
    DetectionChoice choice = choice(TARGET, "");

    assertThat(choice.mode()).isEqualTo(ConflictDetection.ORIGIN);
    assertThat(choice.strongerBy()).isEmpty();
  }

  @Test
  void namesThePrivilegeThatIsMissing() throws Exception {
    DetectionChoice choice = choice(PLAIN, "");

    assertThat(choice.mode()).isEqualTo(ConflictDetection.TIMESTAMP);
    assertThat(choice.reason()).contains("may not use replication origins");
    assertThat(choice.strongerBy().orElseThrow())
        .contains("grant execute on function pg_replication_origin_create(text),")
        .contains("to \"Plain role\"")
        .contains("replica identity full");

    TestStack.execute(
        TARGET,
        """
        grant execute on function pg_replication_origin_create(text),
          pg_replication_origin_oid(text) to "Plain role"
        """);
    assertThat(choice(PLAIN, "").strongerBy().orElseThrow())
        .contains("grant execute on function pg_replication_origin_session_setup(text),");
    TestStack.execute(
        TARGET,
        """
        grant execute on function pg_replication_origin_session_setup(text),
          pg_replication_origin_xact_setup(pg_lsn, timestamptz) to "Plain role"
        """);
    assertThat(choice(PLAIN, "").mode()).isEqualTo(ConflictDetection.ORIGIN);
    TestStack.execute(
        TARGET,
        """
        revoke execute on function pg_replication_origin_create(text),
          pg_replication_origin_oid(text), pg_replication_origin_session_setup(text),
          pg_replication_origin_xact_setup(pg_lsn, timestamptz)
        from "Plain role"
        """);
  }

  @Test
  void takesTheNextBestOneByOne() throws Exception {
    TestStack.execute(SOURCE, "alter table users replica identity full");
    assertThat(choice(PLAIN, "").mode()).isEqualTo(ConflictDetection.BEFORE_IMAGE);
    TestStack.execute(SOURCE, "alter table users replica identity default");
    assertThat(choice(PLAIN, "").mode()).isEqualTo(ConflictDetection.TIMESTAMP);
    assertThat(choice(PLAIN, ", \"timestamp_column\": \"made\"").mode())
        .isEqualTo(ConflictDetection.TIMESTAMP);
    assertThat(choice(PLAIN, ", \"timestamp_column\": \"name\"").mode())
        .isEqualTo(ConflictDetection.EXISTENCE);
    assertThat(choice(PLAIN, ", \"columns\": [\"id\", \"name\"]").mode())
        .isEqualTo(ConflictDetection.EXISTENCE);
  }

  @Test
  void takesAnyThatIsAskedForIfItIsPossible() throws Exception {
    DetectionChoice choice = choice(TARGET, ", \"conflict_detection\": \"existence\"");

    assertThat(choice.mode()).isEqualTo(ConflictDetection.EXISTENCE);
    assertThat(choice.reason()).contains("asks for existence");
    assertThat(choice.strongerBy()).isPresent();
  }

  @Test
  void refusesWhatTheDatabasesDoNotAllow() throws Exception {
    Finding origin = error(PLAIN, ", \"conflict_detection\": \"origin\"");
    assertThat(origin.field()).isEqualTo("conflict_detection");
    assertThat(origin.fix()).startsWith("grant execute on function");

    Finding before = error(TARGET, ", \"conflict_detection\": \"before_image\"");
    assertThat(before.fix()).startsWith("alter table public.users replica identity full");

    String name = ", \"timestamp_column\": \"name\"";
    assertThat(error(TARGET, name + ", \"conflict_detection\": \"timestamp\"").field())
        .isEqualTo("conflict_detection");
    assertThat(error(TARGET, name + ", \"conflict_resolution\": \"timestamp\"").field())
        .isEqualTo("timestamp_column");

    Finding columns = error(TARGET, ", \"merge_columns\": true");
    assertThat(columns.field()).isEqualTo("merge_columns");
    assertThat(columns.fix()).startsWith("alter table public.users replica identity full");
    TestStack.execute(SOURCE, "alter table users replica identity full");
    assertThat(inspect(TARGET, ", \"merge_columns\": true").detection()).isPresent();
  }

  @Test
  void looksAtThePartitionsOfAPartitionedSource() throws Exception {
    TestStack.execute(
        SOURCE,
        """
        drop table users;
        create table users (id bigint primary key, updated_at timestamptz, made date, name text)
          partition by hash (id);
        create table users_0 partition of users for values with (modulus 2, remainder 0);
        create table users_1 partition of users for values with (modulus 2, remainder 1);
        alter table users_0 replica identity full;
        """);
    assertThat(choice(PLAIN, "").mode()).isEqualTo(ConflictDetection.TIMESTAMP);
    TestStack.execute(SOURCE, "alter table users_1 replica identity full");
    assertThat(choice(PLAIN, "").mode()).isEqualTo(ConflictDetection.BEFORE_IMAGE);
  }
}

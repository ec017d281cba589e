package io.tidemark.sync;

import static io.tidemark.sync.PreFlights.COPY;
import static io.tidemark.sync.PreFlights.STREAM;
import static io.tidemark.sync.PreFlights.error;
import static io.tidemark.sync.PreFlights.inspect;
import static io.tidemark.sync.PreFlights.warning;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What stands in a configuration's way is found before it runs, and the remedy removes it. */
@Tag("oldest-postgres")
@Tag("database")
final class PgPreFlightTest {
  private static final PgDatabase SOURCE = TestStack.database("source");
  private static final PgDatabase TARGET = TestStack.database("target");

  /** May read and write what it is granted, and nothing else. */
  private static final String ROLE = "preflight_" + ProcessHandle.current().pid();

  private static final PgDatabase SOURCE_AS_ROLE = as(SOURCE);
  private static final PgDatabase TARGET_AS_ROLE = as(TARGET);
  private static final String TABLE = "create table users (id bigint primary key, name text);";

  static {
    TestStack.execute(SOURCE, "create role %s login password 'secret'".formatted(ROLE));
    TestStack.execute(
        TARGET, "create schema tidemark; grant all on schema tidemark to %s".formatted(ROLE));
  }

  private static PgDatabase as(PgDatabase owner) {
    return new PgDatabase(
        owner.connection(), owner.url().replaceFirst("\\?.*", ""), ROLE, "secret");
  }

  @BeforeEach
  void tables() {
    for (PgDatabase database : List.of(SOURCE, TARGET)) {
      TestStack.execute(
          database, "drop schema public cascade; create schema public;" + TABLE + grants());
    }
  }

  private static String grants() {
    return "grant usage on schema public to %1$s; grant all on all tables in schema public to %1$s;"
        .formatted(ROLE);
  }

  private static void at(PgDatabase database, String sql) {
    TestStack.execute(database, sql);
  }

  /** Without the primary key and what else is there. */
  private static void remake(PgDatabase database, String sql) {
    TestStack.execute(database, "drop table users cascade;" + sql + ";" + grants());
  }

  private static List<Finding> captured() {
    return inspect(SOURCE, TARGET, STREAM);
  }

  @Test
  void findsNothingInTwoOrdinaryTables() {
    assertThat(captured()).isEmpty();
    assertThat(inspect(SOURCE_AS_ROLE, TARGET_AS_ROLE, COPY)).isEmpty();
  }

  /** Once it is published, the server refuses the source's own users their updates. */
  @Test
  void refusesADeferrableKeyOfTheSource() {
    remake(SOURCE, "create table users (id bigint primary key deferrable, name text)");
    at(SOURCE, "insert into users values (1); create publication p for table users");
    assertThatThrownBy(() -> at(SOURCE, "update users set name = 'x'"))
        .hasMessageContaining("replica identity");
    at(SOURCE, "drop publication p");

    String byId = STREAM + ", \"key_columns\": [\"id\"]";
    error(inspect(SOURCE, TARGET, byId), "source_key_deferrable");
    at(SOURCE, "alter table users replica identity full");

    Finding finding = error(inspect(SOURCE, TARGET, byId), "source_key_deferrable");

    at(SOURCE, finding.fix());
    assertThat(inspect(SOURCE, TARGET, byId)).isEmpty();
  }

  @Test
  void looksForTheReplicaIdentityOfEveryPartition() {
    remake(
        SOURCE,
        """
        create table users (id bigint not null, name text, unique (id)) partition by hash (id);
        create table users_0 partition of users for values with (modulus 2, remainder 0);
        create table users_1 partition of users for values with (modulus 2, remainder 1);
        alter table users replica identity using index users_id_key;
        alter table users_0 replica identity using index users_0_id_key
        """);

    Finding finding = error(captured(), "replica_identity");

    assertThat(finding.message()).contains("public.users_1", "lacks id");
    at(SOURCE, finding.fix().replaceFirst(", or.*", ""));
    assertThat(captured()).isEmpty();
  }

  @Test
  void refusesADeferrableKeyOfTheTarget() {
    remake(TARGET, "create table users (id bigint primary key deferrable, name text)");

    Finding finding = error(captured(), "key_deferrable");

    at(TARGET, finding.fix());
    assertThat(captured()).isEmpty();
  }

  @Test
  void saysWhichUniqueConstraintsAreNotChecked() {
    at(TARGET, "alter table users add constraint one_name unique (name) deferrable");

    Finding finding = warning(captured(), "unique_unchecked");

    assertThat(finding.message()).contains("one_name");
    at(TARGET, finding.fix());
    assertThat(captured()).isEmpty();
  }

  @Test
  void refusesToReadATableThatHidesRows() {
    at(SOURCE, "alter table users enable row level security");
    assertThat(captured()).isEmpty();

    Finding finding = error(inspect(SOURCE_AS_ROLE, TARGET, COPY), "row_security");

    at(SOURCE, finding.fix());
    assertThat(inspect(SOURCE_AS_ROLE, TARGET, COPY)).isEmpty();
    at(SOURCE, "alter role %s nobypassrls".formatted(ROLE));
  }

  /** A copy reads them one by one. */
  @Test
  void needsToReadEveryPartition() {
    remake(
        SOURCE,
        """
        create table users (id bigint primary key, name text) partition by hash (id);
        create table users_0 partition of users for values with (modulus 1, remainder 0)
        """);
    at(SOURCE, "revoke all on users_0 from " + ROLE);

    Finding finding = error(inspect(SOURCE_AS_ROLE, TARGET, COPY), "no_privilege");

    at(SOURCE, finding.fix());
    assertThat(inspect(SOURCE_AS_ROLE, TARGET, COPY)).isEmpty();
    at(SOURCE, "alter table users_0 enable row level security");
    assertThat(error(inspect(SOURCE_AS_ROLE, TARGET, COPY), "row_security").message())
        .contains("public.users_0");
  }

  @Test
  void refusesAPartitionThatWritesNoLog() {
    remake(
        SOURCE,
        """
        create table users (id bigint primary key, name text) partition by hash (id);
        create unlogged table users_0 partition of users for values with (modulus 1, remainder 0)
        """);

    Finding finding = error(captured(), "not_permanent");

    at(SOURCE, finding.fix());
    assertThat(captured()).isEmpty();
  }

  @Test
  void refusesToCaptureAPartitionThatIsAForeignTable() {
    remake(
        SOURCE,
        """
        drop foreign data wrapper if exists nothing cascade;
        create foreign data wrapper nothing;
        create server elsewhere foreign data wrapper nothing;
        create table users (id bigint not null, name text) partition by list (id);
        create table users_1 partition of users for values in (1);
        create foreign table users_2 partition of users for values in (2) server elsewhere;
        alter table users replica identity full;
        alter table users_1 replica identity full
        """);
    String key = ", \"key_columns\": [\"id\"]";

    assertThat(error(inspect(SOURCE, TARGET, STREAM + key), "foreign_partition").message())
        .contains("public.users_2");
    assertThat(inspect(SOURCE, TARGET, COPY + key)).isEmpty();
  }

  /** The publication sends each row once, as the topmost of the published tables that have it. */
  @Test
  void doesNotCaptureAPartitionAndItsTable() {
    remake(
        SOURCE,
        """
        create table everybody (id bigint primary key, name text) partition by hash (id);
        create table users partition of everybody for values with (modulus 1, remainder 0);
        create publication preflight_source for table only users
        """);
    try {
      assertThat(captured()).isEmpty();

      at(SOURCE, "alter publication preflight_source set table only everybody");
      assertThat(error(captured(), "partition_published").message())
          .contains("a partition of public.everybody");

      at(SOURCE, "alter publication preflight_source set table only users");
      remakeAsParent();
      assertThat(error(captured(), "partition_published").message()).contains("public.part");
    } finally {
      at(SOURCE, "drop publication preflight_source");
    }
  }

  private static void remakeAsParent() {
    remake(
        SOURCE,
        """
        create table users (id bigint primary key, name text) partition by hash (id);
        create table part partition of users for values with (modulus 1, remainder 0);
        alter publication preflight_source set table only part
        """);
  }

  @Test
  void saysThatTablesThatInheritAreNotKeptInStep() {
    at(SOURCE, "create table heirs () inherits (users)");

    assertThat(warning(captured(), "inheritance_children").message()).contains("public.heirs");
  }

  @Test
  void doesNotPromiseToTruncateWhatOthersReferTo() {
    at(SOURCE, "create table notes (id bigint references users)");
    at(TARGET, "create table notes (id bigint references users)");

    Finding finding =
        error(inspect(SOURCE, TARGET, COPY + ", \"truncate_target\": true"), "truncate_refused");

    assertThat(finding.message()).contains("public.notes");
    assertThat(inspect(SOURCE, TARGET, COPY)).isEmpty();
  }

  @Test
  void refusesToWriteToATableThatHidesRows() {
    at(TARGET, "alter table users enable row level security");
    assertThat(captured()).isEmpty();

    Finding finding = error(inspect(SOURCE, TARGET_AS_ROLE, COPY), "row_security");

    at(TARGET, finding.fix());
    assertThat(inspect(SOURCE, TARGET_AS_ROLE, COPY)).isEmpty();
    at(TARGET, "alter role %s nobypassrls".formatted(ROLE));
  }

  private static final String TRIGGER =
      """
      create function touch() returns trigger language plpgsql as 'begin return new; end';
      create trigger touch before insert on users for each row execute function touch();
      """;

  @Test
  void namesTheTriggersThatFireForARoleThatIsNoReplica() {
    at(TARGET, TRIGGER);
    assertThat(captured()).isEmpty();

    Finding finding = warning(inspect(SOURCE, TARGET_AS_ROLE, COPY), "triggers_fire");

    assertThat(finding.message()).endsWith(": touch");
    at(TARGET, finding.fix().replaceFirst(".*: ", ""));
    assertThat(inspect(SOURCE, TARGET_AS_ROLE, COPY)).isEmpty();
    at(TARGET, "revoke set on parameter session_replication_role from " + ROLE);
  }

  @Test
  void namesTheTriggersThatFireForReplicas() {
    at(TARGET, TRIGGER + "alter table users enable always trigger touch");
    Finding finding = warning(captured(), "triggers_fire");
    at(TARGET, finding.fix().replaceFirst(".*: ", ""));
    assertThat(captured()).isEmpty();

    at(TARGET, "alter table users enable replica trigger touch");
    warning(captured(), "triggers_fire");
    assertThat(inspect(SOURCE, TARGET_AS_ROLE, COPY)).isEmpty();
  }

  @Test
  void namesTheTriggersOfPartitions() {
    remake(
        TARGET,
        """
        create table users (id bigint primary key, name text) partition by hash (id);
        create table users_0 partition of users for values with (modulus 1, remainder 0)
        """);
    at(TARGET, TRIGGER.replace("on users", "on users_0"));

    warning(inspect(SOURCE, TARGET_AS_ROLE, COPY), "triggers_fire");
  }

  @Test
  void refusesRulesThatRewriteWhatIsWritten() {
    at(TARGET, "create rule aside as on insert to users do instead nothing");
    assertThat(captured()).isEmpty();
    Finding finding = error(inspect(SOURCE, TARGET_AS_ROLE, COPY), "rules");
    at(TARGET, finding.fix());
    assertThat(inspect(SOURCE, TARGET_AS_ROLE, COPY)).isEmpty();
  }

  @Test
  void refusesARuleOfUpdatesThoughItIsDisabled() {
    at(TARGET, "create rule aside as on update to users do instead nothing");
    at(TARGET, "alter table users disable rule aside");
    assertThatThrownBy(() -> at(TARGET, "insert into users values (1) on conflict (id) do nothing"))
        .hasMessageContaining("ON CONFLICT");

    error(captured(), "rules");
  }

  @Test
  void saysWhichForeignKeysAreCheckedForARoleThatIsNoReplica() {
    at(
        TARGET,
        """
        create table groups (id bigint primary key);
        alter table users add constraint in_group foreign key (id) references groups;
        """);
    assertThat(captured()).isEmpty();

    Finding finding = warning(inspect(SOURCE, TARGET_AS_ROLE, COPY), "foreign_keys_checked");

    assertThat(finding.message()).contains("in_group of public.users");
    at(TARGET, finding.fix());
    assertThat(inspect(SOURCE, TARGET_AS_ROLE, COPY)).isEmpty();
    at(TARGET, "revoke set on parameter session_replication_role from " + ROLE);
  }

  @Test
  void saysWhichRowsWouldReferToNone() {
    String notes = "create table notes (id bigint references users on delete cascade)";
    at(TARGET, notes);
    assertThat(warning(captured(), "foreign_keys_unchecked").message()).contains("public.notes");

    at(SOURCE, notes);
    assertThat(captured()).isEmpty();
  }

  @Test
  void saysThatChangesReachTablesThatInheritFromTheTarget() {
    at(TARGET, "create table heirs () inherits (users)");

    Finding finding = warning(captured(), "inheritance_children");

    at(TARGET, finding.fix());
    assertThat(captured()).isEmpty();
  }

  @Test
  void saysThatATargetTakesSomeOfTheRowsOnly() {
    String partitioned =
        """
        create table everybody (id bigint primary key, name text) partition by range (id);
        create table users partition of everybody for values from (1) to (9)
        """;
    remake(TARGET, partitioned);
    assertThat(warning(captured(), "partition_bounds").message())
        .contains("FOR VALUES FROM ('1') TO ('9')");

    remake(SOURCE, partitioned);
    assertThat(captured()).isEmpty();
  }

  @Test
  void saysThatACopyMayNeedMoreRoomThanTheRoleMayTake() {
    at(SOURCE, "insert into users select g, repeat('x', 100) from generate_series(1, 10000) g");
    at(TARGET, "alter role %s set temp_file_limit = '1MB'".formatted(ROLE));
    try {
      Finding finding = warning(inspect(SOURCE, TARGET_AS_ROLE, COPY), "temp_file_limit");

      at(TARGET, finding.fix());
      assertThat(inspect(SOURCE, TARGET_AS_ROLE, COPY)).isEmpty();
    } finally {
      at(TARGET, "alter role %s reset temp_file_limit".formatted(ROLE));
    }
  }

  @Test
  void refusesADatabaseThatTakesNoWrites() {
    at(TARGET, "alter role %s set default_transaction_read_only = on".formatted(ROLE));
    try {
      error(inspect(SOURCE, TARGET_AS_ROLE, COPY), "read_only");
    } finally {
      at(TARGET, "alter role %s reset default_transaction_read_only".formatted(ROLE));
    }
  }

  @Test
  void needsTemporaryTablesAtTheTarget() {
    at(TARGET, "revoke temporary on database %s from public".formatted(nameOf(TARGET)));

    Finding finding = error(inspect(SOURCE, TARGET_AS_ROLE, COPY), "no_privilege");

    at(TARGET, finding.fix());
    assertThat(inspect(SOURCE, TARGET_AS_ROLE, COPY)).isEmpty();
  }

  @Test
  void needsToWriteThePositionsThatAnotherRoleMade() {
    at(TARGET, "create table tidemark.applied_position (id bigint)");
    try {
      Finding finding = error(inspect(SOURCE, TARGET_AS_ROLE, COPY), "no_privilege");

      at(TARGET, finding.fix());
      assertThat(inspect(SOURCE, TARGET_AS_ROLE, COPY)).isEmpty();
    } finally {
      at(TARGET, "drop table tidemark.applied_position");
    }
  }

  private static String nameOf(PgDatabase database) {
    return TestStack.text(database, "select current_database()");
  }
}

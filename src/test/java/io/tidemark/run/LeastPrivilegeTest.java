package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SyncDefinitionJson;
import io.tidemark.sync.SyncState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The whole way of a configuration with roles that may do what the README grants, no more. */
@Tag("oldest-postgres")
@Tag("engine")
class LeastPrivilegeTest {
  private static final AtomicInteger COUNT = new AtomicInteger();

  private static final String TABLE =
      """
      create table orders (
        id bigint generated always as identity primary key,
        v text,
        small bigint generated always as (id % 10) stored)
      """;

  private final EngineFixture fixture = new EngineFixture();
  private final String suffix = ProcessHandle.current().pid() + "_" + COUNT.incrementAndGet();
  private final PgDatabase source = as("tidemark_source_" + suffix, fixture.source);
  private final PgDatabase target = as("tidemark_target_" + suffix, fixture.target);

  @BeforeEach
  void tables() {
    TestStack.execute(fixture.source, "create role orders_owner_" + suffix);
    TestStack.execute(fixture.source, TABLE);
    TestStack.execute(fixture.source, "alter table orders owner to orders_owner_" + suffix);
    TestStack.execute(fixture.target, TABLE);
    for (PgDatabase database : new PgDatabase[] {fixture.source, fixture.target}) {
      // As servers since PostgreSQL 15 have it; everybody may still use it, not create in it.
      TestStack.execute(database, "revoke create on schema public from public");
    }
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private static PgDatabase as(String role, PgDatabase owner) {
    String url = owner.url().replaceFirst("\\?.*", "");
    return new PgDatabase(owner.connection(), url, role, "secret");
  }

  /** The README's statements of one side, for this test's names. */
  private void grant(String side, PgDatabase database) {
    for (String statement : grants(side)) {
      TestStack.execute(database, statement);
    }
  }

  private String[] grants(String side) {
    try {
      Matcher block =
          Pattern.compile("-- " + side + "[^\n]*\n(.*?)(\n\n|\n```)", Pattern.DOTALL)
              .matcher(Files.readString(Path.of("README.md")));
      assertThat(block.find()).isTrue();
      return block
          .group(1)
          .replace("'…'", "'secret'")
          .replace("tidemark_source", "tidemark_source_" + suffix)
          .replace("tidemark_target", "tidemark_target_" + suffix)
          .replace("orders_owner", "orders_owner_" + suffix)
          .replace("database shop", "database " + nameOf(side))
          .replaceAll("--[^\n]*", "")
          .strip()
          .split(";\\s*");
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private String nameOf(String side) {
    return TestStack.text(
        side.equals("Source") ? fixture.source : fixture.target, "select current_database()");
  }

  @Test
  void keepsATableInStepWithNoMoreThanTheReadmeGrants() {
    grant("Source", fixture.source);
    grant("Target", fixture.target);
    TestStack.execute(
        fixture.source, "insert into orders (v) select 'n' || g from generate_series(1, 500) g");
    fixture.start(source, target);

    UUID orders = fixture.create("orders", "");
    fixture.awaitState(orders, SyncState.STREAMING);
    TestStack.execute(
        fixture.source,
        "update orders set v = 'x' where id < 50; delete from orders where id > 400;"
            + " insert into orders (v) values ('new')");
    fixture.awaitEqual("orders");
    TestStack.execute(fixture.target, "update orders set v = 'strayed' where id < 20");
    Execution copy =
        EngineFixture.value(
            fixture.service().execute(orders, ExecutionMode.FULL, ExecutionTrigger.MANUAL));
    fixture.awaitCompleted(copy.id());
    fixture.awaitEqual("orders");
    TestStack.execute(fixture.source, "truncate orders; insert into orders (v) values ('only')");
    fixture.awaitEqual("orders");
    assertThat(EngineFixture.value(fixture.service().resetCapture("source", ResetIf.ALWAYS)))
        .allSatisfy(one -> fixture.awaitCompleted(one.id()));
    fixture.awaitEqual("orders");
    assertThat(EngineFixture.value(fixture.service().delete(orders, null))).isEmpty();

    assertThat(
            TestStack.text(
                fixture.source,
                "select (select count(*) from pg_publication) + (select count(*) from"
                    + " pg_replication_slots where database = current_database())"))
        .isEqualTo("0");
  }

  /** A role that is no superuser's has the target's own keys and cascades at work. */
  @Test
  void childrenFollowTheirParentsThoughTheTargetChecksAndCascadesItself() {
    grant("Source", fixture.source);
    grant("Target", fixture.target);
    String children =
        """
        create table line (
          id int primary key,
          order_id bigint references orders on delete cascade on update cascade);
        """;
    TestStack.execute(fixture.source, children);
    TestStack.execute(
        fixture.source, "alter table line owner to orders_owner_%s".formatted(suffix));
    TestStack.execute(fixture.source, "grant select on line to %s".formatted(role(source)));
    TestStack.execute(fixture.target, children);
    TestStack.execute(
        fixture.target,
        "grant select, insert, update, delete on line to %s".formatted(role(target)));
    TestStack.execute(
        fixture.source,
        "insert into orders (v) select 'n' from generate_series(1, 20);"
            + " insert into line select i, 1 + i % 20 from generate_series(1, 100) i");
    fixture.start(source, target);
    UUID orders = fixture.create("orders", "");
    fixture.awaitState(orders, SyncState.STREAMING);
    UUID line = fixture.create("line", "");
    fixture.awaitState(line, SyncState.STREAMING);

    TestStack.execute(fixture.source, "delete from orders where id <= 5");
    TestStack.execute(fixture.source, "update orders set v = 'x' where id > 5");
    TestStack.execute(
        fixture.source, "insert into line select 200 + i, i from generate_series(6, 9) i");

    fixture.awaitEqual("orders");
    fixture.awaitEqual("line");
    assertThat(fixture.find(line).rowsParked()).isZero();
  }

  @Test
  void namesTheGrantForEachPrivilegeThatIsMissing() throws IOException {
    TestStack.execute(
        fixture.source, "create role %s login password 'secret'".formatted(role(source)));
    TestStack.execute(
        fixture.target, "create role %s login password 'secret'".formatted(role(target)));
    fixture.start(source, target);
    ObjectNode document =
        (ObjectNode)
            new ObjectMapper()
                .readTree(
                    """
                    {"name": "orders", "source_table": "orders", "target_table": "orders",
                     "sync_strategy": "incremental"}
                    """);

    Refusal refusal =
        SyncDefinitionJson.read(document).then(fixture.service()::create).refusal().orElseThrow();

    assertThat(refusal.reason()).isEqualTo(Refusal.Reason.DATABASE);
    assertThat(refusal.detail())
        .contains(
            "alter role %s replication".formatted(role(source)),
            "grant create on database %s to %s".formatted(nameOf("Source"), role(source)),
            "grant select on public.orders to %s".formatted(role(source)),
            "grant orders_owner_%s to %s".formatted(suffix, role(source)),
            "grant create on database %s to %s".formatted(nameOf("Target"), role(target)),
            "grant select, insert, update, delete on public.orders to %s".formatted(role(target)));
  }

  private static String role(PgDatabase database) {
    return String.valueOf(database.username());
  }
}

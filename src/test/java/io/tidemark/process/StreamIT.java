package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What users ask of a program whose streams run, over REST; each test has a schema of its own. */
@Tag("process")
final class StreamIT {
  private static TidemarkProcess tidemark;

  @BeforeAll
  static void start() throws IOException {
    tidemark =
        new TidemarkProcess(Path.of("target", "it", "stream-" + ProcessHandle.current().pid()));
    tidemark.serve();
  }

  @AfterAll
  static void stop() throws IOException {
    tidemark.close();
  }

  @Test
  void fullResyncRepairsTheTargetWithoutStoppingTheStream() throws Exception {
    Accounts tables = new Accounts(tidemark, "resync");
    tables.keep();
    tables.awaitEqual("accounts");
    tables.at(
        "target",
        "update accounts set note = 'strayed' where id < 50; delete from accounts where id = 77;"
            + " insert into accounts values (-5, 0, 'extra')");

    try (Accounts.Load load = tables.load(new SplittableRandom(7))) {
      load.untilWritten(100);
      tables.awaitCompleted(tables.execute("accounts", "{\"mode\": \"full\"}"));
      load.untilWritten(100);
    }

    tables.awaitEqual("accounts");
  }

  /**
   * Merges while the stream runs must find no row that differs, and so record no conflict: only
   * rows that the target lacks, and rows that it alone has.
   */
  @Test
  void mergeBesideTheStreamBringsWhatIsMissingAndKeepsWhatIsExtra() throws Exception {
    Accounts tables = new Accounts(tidemark, "merge");
    tables.create("source", 1, 1000);
    tables.create("target", 11, 1010);
    tables.configure("accounts", "merge");
    tables.awaitCount("target", "accounts", 1010);

    try (Accounts.Load load = tables.load(new SplittableRandom(7))) {
      load.untilWritten(100);
      for (int i = 0; i < 2; i++) {
        tables.at("target", "delete from accounts where id between 501 and 600");
        String execution = tables.execute("accounts", "{\"mode\": \"merge\"}");
        load.untilWritten(20);
        tables.awaitCompleted(execution);
        assertThat(tidemark.get("/executions/" + execution).body()).contains("\"mode\":\"merge\"");
      }
      load.untilWritten(100);
    }

    tables.awaitEqualWhere("accounts", "id <= 1000");
    assertThat(tables.count("target", "accounts")).isEqualTo(1010);
  }

  @Test
  void incrementalOnDemandEndsWhenAllThatWasCommittedIsApplied() throws Exception {
    Accounts tables = new Accounts(tidemark, "incremental");
    tables.keep();
    tables.awaitEqual("accounts");
    tables.at("source", "update accounts set balance = balance + 1");

    tables.awaitCompleted(tables.execute("accounts", "{}"));

    tables.assertEqual("accounts");
  }

  @Test
  void healthSaysWhatIsWrongAndTheStreamGoesOnOnceItIsFixed() throws Exception {
    Accounts tables = new Accounts(tidemark, "health");
    tables.keep();
    tables.awaitEqual("accounts");
    tidemark.awaitReady(200);

    tables.at("target", "alter table accounts rename to away");
    tables.at("source", "update accounts set balance = 5");
    tidemark.awaitReady(503);
    assertThat(tidemark.ready().body()).contains("health.accounts", "target", "check");
    tables.at("target", "alter table away rename to accounts");

    tables.awaitEqual("accounts");
    tidemark.awaitReady(200);
  }
}

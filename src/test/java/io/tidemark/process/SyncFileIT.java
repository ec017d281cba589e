package io.tidemark.process;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The program is killed while it makes, and removes, what a sync file declares. */
@Tag("process")
final class SyncFileIT {
  private static final int TABLES = 12;
  private static final Pattern STREAMING =
      Pattern.compile("\"state\":\"streaming\"(?:(?!\"state\").)*\"managed_by\":\"sync-file\"");

  @TempDir private Path directory;

  @Test
  void whatItDeclaresIsThereOnceWheneverItIsKilled() throws Exception {
    kill(1);
  }

  @Test
  @Tag("soak")
  void whatItDeclaresIsThereOnceHoweverOftenItIsKilled() throws Exception {
    kill(6);
  }

  private void kill(int kills) throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    SplittableRandom random = new SplittableRandom(seed);
    Path file = directory.resolve("syncs.yaml");
    declare(file, 0);
    Path data = Path.of("target", "it", "sync-file-" + ProcessHandle.current().pid());
    try (TidemarkProcess tidemark =
        new TidemarkProcess(data, Map.of("tidemark.sync-file", file.toString()))) {
      tidemark.serve();
      for (int i = 1; i <= TABLES; i++) {
        String table = "create table t%1$d (id int primary key)".formatted(i);
        TestStack.execute(tidemark.database("target"), table);
        TestStack.execute(
            tidemark.database("source"), table + "; insert into t%1$d values (%1$d)".formatted(i));
      }

      declare(file, TABLES);
      killAndServe(tidemark, random, kills);
      awaitStreaming(tidemark, TABLES);
      assertThat(orchestrations(tidemark)).isEqualTo(1);
      for (int i = 1; i <= TABLES; i++) {
        assertThat(TestStack.text(tidemark.database("target"), "select id from t" + i))
            .isEqualTo(Integer.toString(i));
      }

      declare(file, 1);
      killAndServe(tidemark, random, kills);
      awaitStreaming(tidemark, 1);
      assertThat(tidemark.get("/sync-file").body())
          .contains(
              "\"items\":[{\"kind\":\"configuration\",\"name\":\"t1\"},"
                  + "{\"kind\":\"orchestration\",\"name\":\"all\"}]");
    }
  }

  /** The first tables, and an orchestration of them. */
  private static void declare(Path file, int tables) throws IOException {
    String names = IntStream.rangeClosed(1, tables).mapToObj(i -> "t" + i).collect(joining(", "));
    String text =
        tables == 0
            ? "configurations: []"
            : IntStream.rangeClosed(1, tables)
                    .mapToObj(
                        "  - {name: t%1$d, source_table: t%1$d, target_table: t%1$d, sync_strategy: incremental}"
                            ::formatted)
                    .collect(joining("\n", "configurations:\n", "\n"))
                + "orchestrations:\n  - {name: all, configurations: ["
                + names
                + "]}\n";
    Files.writeString(file, text);
  }

  private static void killAndServe(TidemarkProcess tidemark, SplittableRandom random, int kills)
      throws IOException, InterruptedException {
    for (int kill = 0; kill < kills; kill++) {
      Thread.sleep(random.nextInt(2500));
      tidemark.kill();
      tidemark.serve();
    }
  }

  /** So many configurations and no others, all of them the file's, all streaming. */
  private static void awaitStreaming(TidemarkProcess tidemark, int tables) {
    Await.untilAsserted(
        () -> {
          String all = tidemark.get("/configurations?limit=500").body();
          assertThat(all.split("\"source_table\"", -1)).hasSize(tables + 1);
          assertThat(STREAMING.matcher(all).results().count()).isEqualTo(tables);
        });
  }

  private static int orchestrations(TidemarkProcess tidemark) throws IOException {
    return tidemark.get("/orchestrations").body().split("\"on_failure\"", -1).length - 1;
  }
}

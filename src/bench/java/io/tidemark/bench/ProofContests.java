package io.tidemark.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.tidemark.TestStack;
import io.tidemark.bench.Contest.Contender;
import io.tidemark.bench.Contest.Figure;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** Telling whether two tables are equal, beside a plain md5 over both at once. */
final class ProofContests {
  private static final String TABLE = "proven";

  private final Lab lab;
  private final long rows;
  private final String configuration;

  ProofContests(Lab lab, long rows) throws IOException, InterruptedException {
    this.lab = lab;
    this.rows = rows;
    TestStack.execute(lab.source(), Orders.wide(TABLE));
    TestStack.execute(lab.target(), Orders.wide(TABLE));
    TestStack.execute(lab.source(), Orders.fillWide(TABLE, rows));
    TestStack.execute(lab.source(), "vacuum analyze " + TABLE);
    configuration = lab.keepInStep(TABLE);
    TestStack.execute(lab.target(), "vacuum analyze " + TABLE);
  }

  Contest contest() {
    Map<String, Contender> contenders = new LinkedHashMap<>();
    contenders.put("Tidemark, verify", () -> rate(Lab.seconds(verified())));
    contenders.put("Tidemark, merge that finds all equal", () -> rate(Lab.seconds(merged())));
    contenders.put("md5 of both tables at once", this::md5);
    return new Contest(
        "verify",
        "comparing %,d 300-byte rows".formatted(rows),
        List.of(Figure.rate("rows/s")),
        contenders);
  }

  private JsonNode verified() throws Exception {
    JsonNode execution = lab.run(configuration, "verify", "{}");
    if (!execution.get("verification").get("equal").asBoolean()) {
      throw new IllegalStateException(execution.toString());
    }
    return execution;
  }

  private JsonNode merged() throws Exception {
    return lab.run(configuration, "execute", "{\"mode\": \"merge\"}");
  }

  private Map<String, Double> md5() throws Exception {
    long started = System.nanoTime();
    CompletableFuture<String> there = CompletableFuture.supplyAsync(() -> md5(lab.target()));
    String here = md5(lab.source());
    if (!here.equals(there.get())) {
      throw new IllegalStateException("the tables differ");
    }
    return rate((System.nanoTime() - started) / 1e9);
  }

  private static String md5(PgDatabase database) {
    return TestStack.text(
        database,
        "select md5(string_agg(md5(t::text), '' order by id)) from %s t".formatted(TABLE));
  }

  private Map<String, Double> rate(double seconds) {
    return Map.of("rate", (rows + 1) / seconds);
  }
}

package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * What health has to say while a server is away.
 *
 * @param cause words that name it
 * @param remedy words of what to do
 * @param innocent words of what is not missing
 */
record Told(String cause, String remedy, List<String> innocent) {
  static final Told SOURCE =
      new Told(
          "capture of connection 'source'",
          "heck that the source database is up",
          List.of("Kafka", "broker", "target"));
  static final Told TARGET =
      new Told(
          "target connection 'target'",
          "heck that the database is up",
          List.of("Kafka", "broker", "capture of"));
  static final Told BROKER =
      new Told("Kafka: ", "heck that the brokers are up", List.of("database is up"));
  static final Told STORE =
      new Told("metadata database", "tidemark.store.url", List.of("Kafka", "capture of", "target"));

  private static final Duration LOOK = Duration.ofMillis(500);

  void awaitRed(TidemarkProcess tidemark) {
    Await.untilAsserted(() -> assertRed(tidemark));
  }

  private void assertRed(TidemarkProcess tidemark) throws IOException {
    HttpResponse<String> ready = tidemark.ready();
    assertThat(ready.statusCode()).as(ready.body()).isEqualTo(503);
    assertThat(ready.body()).contains(cause, remedy);
    innocent.forEach(other -> assertThat(ready.body()).doesNotContain(other));
  }

  /** Neither does it turn green meanwhile, nor blame another server. */
  void staysRed(TidemarkProcess tidemark, Duration length) throws IOException {
    long until = System.nanoTime() + length.toNanos();
    while (System.nanoTime() < until) {
      assertRed(tidemark);
      LockSupport.parkNanos(LOOK.toNanos());
    }
  }

  static void awaitReady(TidemarkProcess tidemark) {
    Await.untilAsserted(
        () -> {
          HttpResponse<String> ready = tidemark.ready();
          assertThat(ready.statusCode()).as(ready.body()).isEqualTo(200);
        });
  }
}

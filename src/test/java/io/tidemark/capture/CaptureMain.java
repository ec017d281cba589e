package io.tidemark.capture;

import io.tidemark.postgres.PgDatabase;
import java.time.Clock;
import java.util.Map;
import java.util.SplittableRandom;

/** One instance in a process of its own, to be killed. */
final class CaptureMain {
  private CaptureMain() {}

  public static void main(String[] args) throws Exception {
    PgDatabase source = new PgDatabase(CaptureFixture.CONNECTION, args[0], null, null);
    ChangeTracker tracker =
        new ChangeTracker(
            CaptureFixture.settings(args[2], 1),
            Map.of("bootstrap.servers", args[1]),
            Clock.systemUTC(),
            new SplittableRandom());
    tracker.start(source);
    String last = "";
    // Ends with its parent, whose end closes the pipe.
    while (System.in.available() >= 0) {
      String now = tracker.state(CaptureFixture.CONNECTION).orElseThrow().phase().name();
      if (!now.equals(last)) {
        System.out.println("phase " + now);
        last = now;
      }
      Thread.sleep(20);
    }
  }
}

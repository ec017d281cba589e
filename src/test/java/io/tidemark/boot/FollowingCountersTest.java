package io.tidemark.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("unit")
final class FollowingCountersTest {
  private static final Tags ONE = Tags.of("configuration", "one");
  private static final Tags OTHER = Tags.of("configuration", "other");

  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
  private final FollowingCounters counters = new FollowingCounters(registry, "rows", "Rows");

  @Test
  void goesOnWhenATotalStartsOver() {
    counters.follow(Map.of(ONE, 10.0));
    counters.follow(Map.of(ONE, 25.0));
    counters.follow(Map.of(ONE, 4.0));

    assertThat(registry.get("rows").tags(ONE).counter().count()).isEqualTo(29);
  }

  @Test
  void givesUpWhatIsNoMore() {
    counters.follow(Map.of(ONE, 10.0, OTHER, 1.0));
    counters.follow(Map.of(OTHER, 2.0));

    assertThat(registry.find("rows").tags(ONE).counter()).isNull();
    assertThat(registry.get("rows").tags(OTHER).counter().count()).isEqualTo(2);
  }
}

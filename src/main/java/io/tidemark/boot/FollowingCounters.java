package io.tidemark.boot;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.util.HashMap;
import java.util.Map;

/**
 * One metric's counters, which follow totals that are kept elsewhere. A total starts over at zero
 * when what it counts starts anew; its counter goes on. For one thread.
 */
final class FollowingCounters {
  private final MeterRegistry registry;
  private final String name;
  private final String description;
  private final Map<Tags, Followed> followed = new HashMap<>();

  FollowingCounters(MeterRegistry registry, String name, String description) {
    this.registry = registry;
    this.name = name;
    this.description = description;
  }

  /** Takes the present totals over, and gives up the counters of those that are no more. */
  void follow(Map<Tags, Double> totals) {
    totals.forEach((tags, total) -> followed.computeIfAbsent(tags, this::begin).reach(total));
    followed
        .entrySet()
        .removeIf(
            entry -> {
              boolean gone = !totals.containsKey(entry.getKey());
              if (gone) {
                registry.remove(entry.getValue().counter);
              }
              return gone;
            });
  }

  private Followed begin(Tags tags) {
    return new Followed(
        Counter.builder(name).description(description).tags(tags).register(registry));
  }

  private static final class Followed {
    private final Counter counter;
    private double reached;

    Followed(Counter counter) {
      this.counter = counter;
    }

    void reach(double total) {
      counter.increment(total >= reached ? total - reached : total);
      reached = total;
    }
  }
}

package io.tidemark.orchestration;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.orchestration.RunOrder.Standing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("unit")
class RunOrderTest {
  private static final UUID A = new UUID(0, 1);
  private static final UUID B = new UUID(0, 2);
  private static final UUID C = new UUID(0, 3);
  private static final List<UUID> LISTED = List.of(A, B, C);

  private static List<UUID> next(RunOrder order, Map<UUID, Standing> standings, int atOnce) {
    return order.next(standings, atOnce, OnFailure.CONTINUE);
  }

  @Test
  void beginsAsListedAndNoMoreThanMayRunAtOnce() {
    RunOrder order = RunOrder.of(LISTED, Map.of());

    assertThat(next(order, Map.of(), 1)).containsExactly(A);
    assertThat(next(order, Map.of(), 2)).containsExactly(A, B);
    assertThat(next(order, Map.of(A, Standing.RUNNING), 1)).isEmpty();
    assertThat(next(order, Map.of(A, Standing.RUNNING, B, Standing.COMPLETED), 2))
        .containsExactly(C);
    assertThat(next(order, Map.of(A, Standing.RUNNING, B, Standing.RUNNING), 1)).isEmpty();
  }

  @Test
  void stopsOrContinuesAfterAFailure() {
    RunOrder order = RunOrder.of(LISTED, Map.of());
    Map<UUID, Standing> failed = Map.of(A, Standing.FAILED);

    assertThat(order.next(failed, 1, OnFailure.STOP)).isEmpty();
    assertThat(order.next(failed, 1, OnFailure.CONTINUE)).containsExactly(B);
  }

  @Test
  void letsATableComeAfterThoseItRefersTo() {
    RunOrder order = RunOrder.of(LISTED, Map.of(A, Set.of(B), B, Set.of(C)));

    assertThat(next(order, Map.of(), 3)).containsExactly(C);
    assertThat(next(order, Map.of(C, Standing.RUNNING), 3)).isEmpty();
    assertThat(next(order, Map.of(C, Standing.COMPLETED), 3)).containsExactly(B);
    assertThat(next(order, Map.of(C, Standing.COMPLETED, B, Standing.FAILED), 3))
        .containsExactly(A);
  }

  @Test
  void takesTheFirstListedOfACircle() {
    RunOrder order = RunOrder.of(LISTED, Map.of(A, Set.of(B), B, Set.of(A), C, Set.of(C)));

    assertThat(next(order, Map.of(), 3)).containsExactly(C, A);
    assertThat(next(order, Map.of(C, Standing.COMPLETED, A, Standing.COMPLETED), 3))
        .containsExactly(B);
  }

  /** Whatever refers to whatever, each begins once, and after those before it in a sound order. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void beginsEachOnce(long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    List<UUID> listed = IntStream.range(0, 12).mapToObj(i -> new UUID(seed, i)).toList();
    Map<UUID, Set<UUID>> references = new HashMap<>();
    for (int i = 0; i < random.nextInt(30); i++) {
      references
          .computeIfAbsent(listed.get(random.nextInt(12)), one -> new HashSet<>())
          .add(listed.get(random.nextInt(12)));
    }
    RunOrder order = RunOrder.of(listed, references);
    int atOnce = 1 + random.nextInt(4);
    Map<UUID, Standing> standings = new HashMap<>();
    List<UUID> begun = new ArrayList<>();
    while (true) {
      List<UUID> next = next(order, standings, atOnce);
      next.forEach(one -> standings.put(one, Standing.RUNNING));
      begun.addAll(next);
      List<UUID> running =
          standings.keySet().stream()
              .filter(one -> standings.get(one) == Standing.RUNNING)
              .toList();
      assertThat(running).hasSizeLessThanOrEqualTo(atOnce);
      if (running.isEmpty()) {
        break;
      }
      standings.put(
          running.get(random.nextInt(running.size())),
          random.nextBoolean() ? Standing.COMPLETED : Standing.FAILED);
    }

    assertThat(begun).containsExactlyInAnyOrderElementsOf(listed);
  }
}

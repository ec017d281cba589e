package io.tidemark.orchestration;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Which syncs begin next. Knows neither databases nor time: the same standings give the same
 * answer, in whichever process.
 */
final class RunOrder {
  /** How a sync of a run stands; one that has not begun has no standing. */
  enum Standing {
    RUNNING,
    COMPLETED,
    /** Ended in any other way, or refused. */
    FAILED
  }

  private final List<UUID> order;
  private final Map<UUID, Set<UUID>> predecessors;

  private RunOrder(List<UUID> order, Map<UUID, Set<UUID>> predecessors) {
    this.order = order;
    this.predecessors = predecessors;
  }

  /**
   * An order in which each one comes after those it refers to, and otherwise as listed. Where some
   * refer to each other in a circle there is no such order, and the first listed of them begins.
   *
   * @param references those that each one refers to; what is not listed does not count
   */
  static RunOrder of(List<UUID> listed, Map<UUID, Set<UUID>> references) {
    List<UUID> order = new ArrayList<>();
    List<UUID> left = new ArrayList<>(listed);
    Map<UUID, Set<UUID>> predecessors = new HashMap<>();
    while (!left.isEmpty()) {
      UUID next =
          left.stream()
              .filter(one -> left.stream().noneMatch(refersTo(references, one)::contains))
              .findFirst()
              .orElse(left.get(0));
      Set<UUID> before = new HashSet<>(refersTo(references, next));
      before.retainAll(order);
      predecessors.put(next, before);
      order.add(next);
      left.remove(next);
    }
    return new RunOrder(List.copyOf(order), Map.copyOf(predecessors));
  }

  private static Set<UUID> refersTo(Map<UUID, Set<UUID>> references, UUID one) {
    Set<UUID> others = new HashSet<>(references.getOrDefault(one, Set.of()));
    // A table that refers to itself, as a tree's does, is in nobody's way.
    others.remove(one);
    return others;
  }

  /**
   * Those that begin now. None that has not begun will do so later if this is empty and none runs.
   *
   * @param atOnce how many may run together, at least 1
   */
  List<UUID> next(Map<UUID, Standing> standings, int atOnce, OnFailure onFailure) {
    if (onFailure == OnFailure.STOP && standings.containsValue(Standing.FAILED)) {
      return List.of();
    }
    long running = standings.values().stream().filter(one -> one == Standing.RUNNING).count();
    return order.stream()
        .filter(one -> !standings.containsKey(one))
        .filter(one -> predecessors.get(one).stream().allMatch(before -> ended(standings, before)))
        .limit(Math.max(0, atOnce - running))
        .toList();
  }

  private static boolean ended(Map<UUID, Standing> standings, UUID one) {
    Standing standing = standings.get(one);
    return standing == Standing.COMPLETED || standing == Standing.FAILED;
  }
}

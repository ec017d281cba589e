package io.tidemark.run;

import java.util.Collection;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Keeps two requests about one configuration from overlapping in this process: a pause while it is
 * being deleted, two changes at once. Between processes the version in the store decides.
 */
final class ConfigurationLocks {
  /** Far more than requests at a time; configurations that share a lock only wait a little. */
  private static final int STRIPES = 64;

  private final Lock[] locks = new Lock[STRIPES];

  ConfigurationLocks() {
    for (int i = 0; i < STRIPES; i++) {
      locks[i] = new ReentrantLock();
    }
  }

  /** Runs while nothing else is done about any of these; the locks' order rules a deadlock out. */
  <T> T holdingAll(Collection<UUID> configurationIds, Supplier<T> action) {
    List<Lock> taken =
        configurationIds.stream()
            .map(ConfigurationLocks::stripeOf)
            .distinct()
            .sorted()
            .map(stripe -> locks[stripe])
            .toList();
    taken.forEach(Lock::lock);
    try {
      return action.get();
    } finally {
      taken.forEach(Lock::unlock);
    }
  }

  private static int stripeOf(UUID configurationId) {
    return Math.floorMod(configurationId.hashCode(), STRIPES);
  }

  <T> T holding(UUID configurationId, Supplier<T> action) {
    Lock lock = locks[stripeOf(configurationId)];
    lock.lock();
    try {
      return action.get();
    } finally {
      lock.unlock();
    }
  }
}

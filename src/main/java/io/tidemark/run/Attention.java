package io.tidemark.run;

import io.tidemark.sync.SyncConfiguration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * What needs a person although everything flows.
 *
 * @param warnings a sentence each, with the remedy
 * @param conflictsPending conflicts that wait for a decision, by the configuration's name; 0 where
 *     there are none
 * @param verified what the last verification found, by the configuration's name; of those that were
 *     verified
 */
public record Attention(
    List<String> warnings, Map<String, Long> conflictsPending, Map<String, Verified> verified) {
  static final Attention NONE = new Attention(List.of(), Map.of(), Map.of());

  /**
   * How equal two tables were.
   *
   * @param unequal rows that were not as the configuration wants them; 0 if all were
   */
  public record Verified(long unequal, Instant upTo) {
    static Verified of(VerificationResult result) {
      return new Verified(result.equal() ? 0 : result.unequal(), result.verifiedUpTo());
    }
  }

  public Attention {
    warnings = List.copyOf(warnings);
    conflictsPending = Map.copyOf(conflictsPending);
    verified = Map.copyOf(verified);
  }

  /**
   * Reads it from the store.
   *
   * @param recordsLost the configurations of which the store has lost records
   */
  static Attention of(List<SyncConfiguration> all, Rooms rooms, Set<UUID> recordsLost) {
    List<UUID> ids = all.stream().map(SyncConfiguration::id).toList();
    Map<UUID, Long> parked = rooms.parkedRows().counts(ids);
    Map<UUID, Long> waiting = rooms.conflicts().pending(ids);
    Map<UUID, Execution> verifications = rooms.executions().lastVerificationsOf(ids);
    List<String> warnings = new ArrayList<>();
    Map<String, Long> pending = new HashMap<>();
    Map<String, Verified> verified = new HashMap<>();
    for (SyncConfiguration one : all) {
      String name = one.definition().name();
      pending.put(name, waiting.getOrDefault(one.id(), 0L));
      if (parked.containsKey(one.id())) {
        warnings.add(
            ("configuration '%s': rows that the target refused: %d; see GET"
                    + " /configurations/%s/parked-rows, mend what refused them, then execute"
                    + " with mode full")
                .formatted(name, parked.get(one.id()), one.id()));
      }
      if (waiting.containsKey(one.id())) {
        warnings.add(
            ("configuration '%s': conflicts that wait for a decision: %d; see GET"
                    + " /conflicts?status=pending&configuration_id=%s, and resolve them")
                .formatted(name, waiting.get(one.id()), one.id()));
      }
      if (recordsLost.contains(one.id())) {
        warnings.add(
            ("configuration '%s': the metadata database was restored from a backup and has lost"
                    + " conflicts or refused rows that were recorded since then, so rows may"
                    + " differ; POST /configurations/%s/verify with {\"repair\": true}, or execute"
                    + " with mode full")
                .formatted(name, one.id()));
      }
      Execution verification = verifications.get(one.id());
      if (verification != null && verification.verification() != null) {
        Verified found = Verified.of(verification.verification());
        verified.put(name, found);
        if (found.unequal() > 0) {
          warnings.add(
              ("configuration '%s': source and target differed in %d rows at %s; see GET"
                      + " /executions/%s, and POST /configurations/%s/verify with"
                      + " {\"repair\": true} or execute with mode full")
                  .formatted(name, found.unequal(), found.upTo(), verification.id(), one.id()));
        }
      }
    }
    return new Attention(warnings, pending, verified);
  }
}

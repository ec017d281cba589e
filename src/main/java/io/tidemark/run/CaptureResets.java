package io.tidemark.run;

import io.tidemark.run.ExecutionRequests.Wish;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SyncConfiguration;
import java.util.ArrayList;
import java.util.List;

/** Has a capture made anew, and every table that it fed copied in full. */
final class CaptureResets {
  private final JdbcSyncConfigurations configurations;
  private final JdbcExecutions executions;
  private final ExecutionRequests requests;
  private final SyncEngine engine;
  private final ConfigurationLocks locks;
  private final TargetSharing sharing;

  CaptureResets(
      JdbcSyncConfigurations configurations,
      JdbcExecutions executions,
      ExecutionRequests requests,
      SyncEngine engine,
      ConfigurationLocks locks,
      TargetSharing sharing) {
    this.configurations = configurations;
    this.executions = executions;
    this.requests = requests;
    this.engine = engine;
    this.locks = locks;
    this.sharing = sharing;
  }

  /** The executions that copy, or why nothing was done. */
  Outcome<List<Execution>> reset(String connection, ResetIf when) {
    if (when == ResetIf.FAILED && !engine.needsReset(connection)) {
      return Outcome.refused(
          Refusal.state(
              "the capture of connection '"
                  + connection
                  + "' has missed nothing, so a reset would only cost a full copy of each of its"
                  + " tables; to do it all the same, send {\"force\": true}"));
    }
    return locks.holdingAll(
        fed(connection).stream().map(SyncConfiguration::id).toList(),
        () -> Outcome.of(reset(connection, fed(connection))));
  }

  private List<SyncConfiguration> fed(String connection) {
    return configurations.notDeleting().stream()
        .filter(one -> one.definition().needsCapture())
        .filter(one -> one.definition().sourceConnection().equals(connection))
        .toList();
  }

  private List<Execution> reset(String connection, List<SyncConfiguration> fed) {
    engine.resetCapture(connection, fed);
    List<Execution> copies = new ArrayList<>();
    for (SyncConfiguration one : fed) {
      // What was running read the source before the reset, and cannot come to a good end.
      if (one.isActive() && requests.end(one.id())) {
        requests
            .request(one, Wish.of(sharing.copyMode(one), ExecutionTrigger.MANUAL))
            .map(copies::add)
            .orElseGet(
                // The engine was faster to see that a copy is needed.
                refusal -> executions.activeOf(one.id()).map(copies::add).orElse(false));
      }
    }
    return copies;
  }
}

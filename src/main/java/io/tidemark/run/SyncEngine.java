package io.tidemark.run;

import io.tidemark.sync.Outcome;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.TableMapping;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What does the work behind {@link SyncService}: capture, apply and copy. A call that cannot do its
 * part throws {@link io.tidemark.change.OperatingFailure} and leaves things as they were. Calls
 * come from several threads; two calls about one configuration never overlap in one process.
 */
public interface SyncEngine {
  /**
   * Makes what a new configuration needs in the source, in Kafka and in the target, and starts it
   * if it is active. The stored row is there already; state changes go to the store from here on.
   */
  void onCreated(SyncConfiguration configuration, TableMapping mapping);

  /** A definition was replaced; also switches on and off what {@code enabled} says. */
  void onChanged(SyncConfiguration before, SyncConfiguration after, TableMapping mapping);

  /**
   * Stops everything of the configuration, executions too, and removes what was made for it. Also
   * called, as compensation, when {@link #onCreated} has failed; repeating it does no harm.
   *
   * @return what could not be removed
   */
  List<LeftBehind> onDeleted(SyncConfiguration configuration);

  /** Like {@link #onDeleted}, but what cannot be removed is left behind, whatever it is. */
  List<LeftBehind> onAbandoned(SyncConfiguration configuration);

  /** Stops the flow; its place is kept. */
  void onPaused(SyncConfiguration configuration);

  /** Lets it flow again from where it stopped. */
  void onResumed(SyncConfiguration configuration);

  /** Takes an execution, stored as pending, and returns at once. */
  void submit(SyncConfiguration configuration, Execution execution);

  /**
   * Ends an execution early if it runs in this process. The wish is in the store as well, for the
   * process where it does run.
   */
  void cancel(UUID executionId);

  /** Whether this connection's capture may have missed changes, so that it does not go on. */
  boolean needsReset(String connection);

  /**
   * Makes the capture of a source connection anew. Its configurations' targets are no longer taken
   * to be in step: each needs a full copy before anything else.
   *
   * @param configurations all that need the capture; without any, it is ended instead
   */
  void resetCapture(String connection, List<SyncConfiguration> configurations);

  /**
   * What is known of one row of a configuration.
   *
   * @param limit changes at most, of each topic
   * @param cursor where the search for changes goes on; null to begin with the newest
   * @return refused if the key is none of the table's, or the databases do not agree to the
   *     configuration any more
   */
  Outcome<RowHistory> history(
      SyncConfiguration configuration, AskedKey key, int limit, @Nullable HistoryCursor cursor);

  /** The captures of all source connections, whichever process runs them. */
  List<CaptureStatus> captures();

  /** The change topics. */
  List<TopicDescription> topics();

  /** This process and what it relies on. */
  SystemDescription system();
}

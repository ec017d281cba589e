package io.tidemark.run;

import io.tidemark.change.Change;
import io.tidemark.change.ChangeSource;
import io.tidemark.change.OperatingFailure;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.TableName;
import io.tidemark.change.TopicRecord;
import io.tidemark.change.ValueKind;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.TableMapping;
import jakarta.annotation.Priority;
import jakarta.enterprise.inject.Alternative;
import jakarta.inject.Singleton;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** An engine that only remembers what it was asked. */
@Alternative
@Priority(1)
@Singleton
public class FakeSyncEngine implements SyncEngine {
  public final Map<UUID, TableMapping> mappings = new ConcurrentHashMap<>();
  public final List<UUID> submitted = new CopyOnWriteArrayList<>();
  public final List<String> calls = new CopyOnWriteArrayList<>();
  public volatile boolean failing;

  /** The call, counted from 1, that fails; 0 for none. */
  public volatile int failingAt;

  public volatile boolean captureFailed;
  public volatile boolean sourceAway;

  public void reset() {
    mappings.clear();
    submitted.clear();
    calls.clear();
    failing = false;
    failingAt = 0;
    captureFailed = false;
    sourceAway = false;
  }

  private void call(String name) {
    calls.add(name);
    if (failing && !name.equals("deleted") || calls.size() == failingAt) {
      throw new OperatingFailure(
          OperatingFailure.Kind.SOURCE, "slot_failed", "the slot cannot be made", "Free one", null);
    }
  }

  @Override
  public void onCreated(SyncConfiguration configuration, TableMapping mapping) {
    call("created");
    mappings.put(configuration.id(), mapping);
  }

  @Override
  public void onChanged(SyncConfiguration before, SyncConfiguration after, TableMapping mapping) {
    call("changed");
    mappings.put(after.id(), mapping);
  }

  @Override
  public List<LeftBehind> onDeleted(SyncConfiguration configuration) {
    call("deleted");
    if (sourceAway) {
      throw new OperatingFailure(
          OperatingFailure.Kind.SOURCE, "connection_lost", "the source is away", null, null);
    }
    mappings.remove(configuration.id());
    return List.of();
  }

  @Override
  public List<LeftBehind> onAbandoned(SyncConfiguration configuration) {
    call("abandoned");
    mappings.remove(configuration.id());
    return sourceAway
        ? List.of(new LeftBehind("source", "the slot stays", List.of("drop it")))
        : List.of();
  }

  @Override
  public void onPaused(SyncConfiguration configuration) {
    call("paused");
  }

  @Override
  public void onResumed(SyncConfiguration configuration) {
    call("resumed");
  }

  @Override
  public void submit(SyncConfiguration configuration, Execution execution) {
    call("submitted");
    submitted.add(execution.id());
  }

  @Override
  public void cancel(UUID executionId) {
    call("cancelled");
  }

  @Override
  public boolean needsReset(String connection) {
    return captureFailed;
  }

  @Override
  public void resetCapture(String connection, List<SyncConfiguration> configurations) {
    call("reset " + connection + " for " + configurations.size());
  }

  @Override
  public Outcome<RowHistory> history(
      SyncConfiguration configuration, AskedKey key, int limit, @Nullable HistoryCursor cursor) {
    RowShape shape = RowShape.of(List.of("id"), List.of(ValueKind.NUMBER));
    Row row = Row.of(shape, "42");
    RowKey id = RowKey.of("42");
    ChangeSource from =
        new ChangeSource(
            "source",
            "db",
            new TableName("public", "users"),
            SourcePosition.START,
            7,
            8,
            9,
            null,
            null);
    return Outcome.of(
        new RowHistory(
            "{\"id\": 42}",
            new SideRow(id, row, null, Instant.EPOCH, SideRow.Writer.OTHERS, null),
            new SideRow(id, null, null, null, null, null),
            null,
            List.of(),
            List.of(),
            List.of(
                new RowHistory.Found(
                    new TopicRecord(
                        "tidemark.source.public.users", 0, 5, new Change.Insert(from, row)),
                    false)),
            new HistoryCursor(Map.of(0, 5L), Map.of()).text()));
  }

  @Override
  public List<CaptureStatus> captures() {
    return List.of(
        new CaptureStatus(
            "source", "tidemark_source", "tidemark_source", "running", null, 42L, Instant.EPOCH));
  }

  @Override
  public List<TopicDescription> topics() {
    return List.of(
        new TopicDescription(
            "tidemark.source.public.users",
            "source",
            "public.users",
            1,
            List.of("id"),
            List.of(new TopicDescription.TopicColumn("id", "bigint", true)),
            "2800f447e9aef16e"));
  }

  @Override
  public SystemDescription system() {
    return new SystemDescription(
        "0.0.0", "embedded", "jdbc:postgresql://localhost/store", "localhost:9094", Map.of());
  }
}

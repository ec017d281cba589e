package io.tidemark.run;

import io.tidemark.apply.AppliedPosition;
import io.tidemark.apply.ApplyTask;
import io.tidemark.apply.KafkaKeyChanges;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.change.TopicRecord;
import io.tidemark.change.ValueKind;
import io.tidemark.conflict.RowsJson;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.SyncConfiguration;
import io.tidemark.sync.SyncDefinition;
import io.tidemark.sync.TableMapping;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Gathers what is known of one row. */
final class RowHistories {
  /** Somebody waits for the answer; what is not searched by then is for the next call. */
  private static final Duration SEARCH_MAX = Duration.ofSeconds(5);

  /** Of a row that is in trouble all the time the newest are enough; the lists have them all. */
  private static final int OTHERS_MAX = 50;

  private static final KafkaKeyChanges.Found NOTHING =
      new KafkaKeyChanges.Found(List.of(), Map.of());

  private final Rooms rooms;
  private final AppliedPositions positions;

  RowHistories(Rooms rooms, AppliedPositions positions) {
    this.rooms = rooms;
    this.positions = positions;
  }

  /**
   * What is known of a configuration's row.
   *
   * @param limit changes at most, of each topic
   * @param cursor where the search for changes goes on; null to begin with the newest
   */
  Outcome<RowHistory> of(
      SyncConfiguration configuration, AskedKey asked, int limit, @Nullable HistoryCursor cursor) {
    SyncDefinition definition = configuration.definition();
    return rooms
        .acceptance()
        .inspect(definition, configuration.id())
        .then(
            accepted -> {
              TableMapping mapping = accepted.mapping();
              return asked
                  .in(mapping)
                  .then(key -> sides(configuration, mapping, key))
                  .map(sides -> history(configuration, mapping, sides, limit, cursor));
            });
  }

  /** Both sides' rows, and in what they differ. */
  private record Sides(SideRow source, SideRow target, @Nullable List<String> differing) {
    /** The key in every text that it may have in a topic. */
    Set<RowKey> keys() {
      return new HashSet<>(List.of(source.key(), target.key()));
    }
  }

  private Outcome<Sides> sides(
      SyncConfiguration configuration, TableMapping mapping, List<String> key) {
    SyncDefinition definition = configuration.definition();
    try (PgRowLook source =
            PgRowLook.atSource(rooms.source(definition), mapping, configuration.id());
        PgRowLook target =
            PgRowLook.atTarget(rooms.target(definition), mapping, configuration.id())) {
      return source
          .row(key)
          .then(
              there ->
                  target
                      .row(key)
                      .map(
                          here ->
                              new Sides(
                                  there,
                                  here,
                                  there.row() == null || here.row() == null
                                      ? null
                                      : target.differing(there.row(), here.row()))));
    }
  }

  private RowHistory history(
      SyncConfiguration configuration,
      TableMapping mapping,
      Sides sides,
      int limit,
      @Nullable HistoryCursor cursor) {
    SyncDefinition definition = configuration.definition();
    KafkaKeyChanges.Found there = NOTHING;
    KafkaKeyChanges.Found back = NOTHING;
    if (definition.needsCapture()) {
      Map<Integer, Long> from = cursor == null ? null : cursor.there();
      there = search(rooms.task(configuration), mapping, sides.keys(), from, limit);
    }
    if (definition.bidirectional()) {
      Map<Integer, Long> from = cursor == null ? null : cursor.back();
      TableMapping reversed = mapping.reversed();
      back = search(rooms.taskBack(configuration), reversed, sides.keys(), from, limit);
    }
    HistoryCursor left = new HistoryCursor(there.left(), back.left());
    RowKey key = sides.target().key();
    return new RowHistory(
        text(mapping, key),
        sides.source(),
        sides.target(),
        sides.differing(),
        rooms.conflicts().ofRow(configuration.id(), key.values(), OTHERS_MAX),
        rooms.parkedRows().ofRow(configuration.id(), mapping.targetKeyNames(), key, OTHERS_MAX),
        withApplied(configuration, there.records(), back.records()),
        left.isEnd() ? null : left.text());
  }

  private static String text(TableMapping mapping, RowKey key) {
    List<ValueKind> kinds = mapping.key().stream().map(pair -> pair.target().kind()).toList();
    RowShape shape = RowShape.of(mapping.targetKeyNames(), kinds);
    return String.valueOf(RowsJson.text(Row.of(shape, key.values().toArray(String[]::new))));
  }

  private KafkaKeyChanges.Found search(
      ApplyTask task,
      TableMapping mapping,
      Set<RowKey> keys,
      @Nullable Map<Integer, Long> from,
      int limit) {
    try (KafkaKeyChanges topic = new KafkaKeyChanges(task, rooms.kafka(), mapping, keys)) {
      return topic.search(from, limit, SEARCH_MAX);
    }
  }

  /** The changes of both topics in one order, and whether each has reached the other side. */
  private List<RowHistory.Found> withApplied(
      SyncConfiguration configuration, List<TopicRecord> there, List<TopicRecord> back) {
    List<RowHistory.Found> found = new ArrayList<>();
    for (List<TopicRecord> records : List.of(there, back)) {
      if (!records.isEmpty()) {
        Map<Integer, AppliedPosition> reached =
            TopicWait.byPartition(positions.find(configuration, records.get(0).topic()));
        for (TopicRecord record : records) {
          AppliedPosition position = reached.get(record.partition());
          found.add(
              new RowHistory.Found(
                  record, position == null ? null : record.offset() < position.nextOffset()));
        }
      }
    }
    if (!there.isEmpty() && !back.isEmpty()) {
      found.sort(Comparator.comparing(RowHistory.Found::committedMicros).reversed());
    }
    return found;
  }
}

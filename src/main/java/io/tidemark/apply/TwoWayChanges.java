package io.tidemark.apply;

import io.tidemark.apply.TwoWayDecision.Event;
import io.tidemark.change.Change;
import io.tidemark.change.RowKey;
import io.tidemark.change.SourcePosition;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which rows the changes of one side touch. Only that, and when: what a row holds now is read from
 * the side itself.
 */
final class TwoWayChanges {
  /**
   * What the changes of one row come to.
   *
   * @param micros when the last of them was committed
   * @param first the offset of the first of them
   */
  record Touched(Event event, long micros, long first, SourcePosition last) {}

  private final Projection projection;
  private final String echo;
  private final Map<RowKey, Touched> touched = new LinkedHashMap<>();
  private final List<Touched> truncates = new ArrayList<>();
  private long changes;

  /**
   * @param projection of this side's rows
   * @param echo what the origins of our own writes begin with: they are not changes of this side
   */
  TwoWayChanges(Projection projection, String echo) {
    this.projection = projection;
    this.echo = echo;
  }

  void add(TopicChange next) {
    Change change = next.change();
    String origin = change.source().origin();
    if (origin != null && origin.startsWith(echo)) {
      return;
    }
    changes++;
    if (change instanceof Change.Insert insert) {
      insert.movedFrom().ifPresent(old -> touch(projection.key(old), Event.DELETED, next));
      touch(projection.key(insert.after()), Event.INSERTED, next);
    } else if (change instanceof Change.Update update) {
      RowKey key = projection.key(update.after());
      RowKey old = update.before().flatMap(projection::fullKey).orElse(key);
      if (!old.equals(key)) {
        touch(old, Event.DELETED, next);
      }
      touch(key, old.equals(key) ? Event.UPDATED : Event.INSERTED, next);
    } else if (change instanceof Change.Delete delete) {
      touch(projection.key(delete.before()), Event.DELETED, next);
    } else {
      truncates.add(touched(Event.DELETED, next, null));
    }
  }

  private void touch(RowKey key, Event event, TopicChange next) {
    touched.compute(key, (same, earlier) -> touched(event, next, earlier));
  }

  private static Touched touched(Event event, TopicChange next, @Nullable Touched earlier) {
    Change change = next.change();
    long micros = change.source().committedMicros();
    if (earlier == null) {
      return new Touched(event, micros, next.offset(), change.position());
    }
    // A row that was put again after it was deleted is new: the other side need not have it.
    Event both =
        event == Event.UPDATED && earlier.event() == Event.INSERTED ? Event.INSERTED : event;
    return new Touched(both, micros, earlier.first(), change.position());
  }

  Map<RowKey, Touched> touched() {
    return touched;
  }

  /** TRUNCATEs: each deleted whatever row this side had. */
  List<Touched> truncates() {
    return truncates;
  }

  /** Changes that are not our own. */
  long count() {
    return changes;
  }
}

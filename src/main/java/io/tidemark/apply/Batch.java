package io.tidemark.apply;

import io.tidemark.apply.RowEdit.Expected;
import io.tidemark.change.Change;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.sync.DeleteHandling;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a run of changes comes to: per key only the last state is written, and what must keep its
 * place (a truncate, a key change) cuts the run into steps. Changes of keys that wait for a
 * person's decision are set apart.
 *
 * <p>INVARIANT: steps written in order leave the target as the changes one by one would have.
 */
final class Batch {
  private final Projection projection;
  private final DeleteHandling deletes;
  private final Set<RowKey> waiting;
  private final List<Step> steps = new ArrayList<>();
  private final Map<RowKey, RowEdit> pending = new LinkedHashMap<>();
  private final List<Step.Move> moves = new ArrayList<>();
  private final Set<RowKey> moved = new HashSet<>();
  private final Map<RowKey, RowEdit> later = new LinkedHashMap<>();
  private @Nullable Row movedFrom;

  private Batch(Projection projection, DeleteHandling deletes, Set<RowKey> waiting) {
    this.projection = projection;
    this.deletes = deletes;
    this.waiting = waiting;
  }

  /**
   * What the changes come to.
   *
   * @param steps to be written in order
   * @param later the last states of keys that wait for a decision
   */
  record Plan(List<Step> steps, List<RowEdit> later) {
    public Plan {
      steps = List.copyOf(steps);
      later = List.copyOf(later);
    }
  }

  /** The steps that the changes come to, where no key waits for a decision. */
  static List<Step> steps(
      List<TopicChange> changes, Projection projection, DeleteHandling deletes) {
    return plan(changes, projection, deletes, Set.of()).steps();
  }

  static Plan plan(
      List<TopicChange> changes,
      Projection projection,
      DeleteHandling deletes,
      Set<RowKey> waiting) {
    Batch batch = new Batch(projection, deletes, waiting);
    changes.forEach(batch::add);
    batch.cut();
    return new Plan(batch.steps, List.copyOf(batch.later.values()));
  }

  private void add(TopicChange next) {
    Change change = next.change();
    if (change instanceof Change.Insert insert) {
      RowEdit edit = edit(next, projection.row(insert.after()), Expected.ABSENT, movedFrom);
      movedFrom = null;
      insert
          .movedFrom()
          .ifPresentOrElse(oldKey -> move(projection.key(oldKey), edit), () -> take(edit));
    } else if (change instanceof Change.Update update) {
      update(next, update);
    } else if (change instanceof Change.Delete delete) {
      if (delete.movedTo().isPresent()) {
        // The first half of a key change; its insert, which comes next, moves the row.
        movedFrom = delete.before();
      } else if (deletes == DeleteHandling.APPLY) {
        take(deletion(next, projection.key(delete.before()), delete.before()));
      }
    } else if (deletes == DeleteHandling.APPLY) {
      truncate(next);
    }
  }

  /**
   * An update whose mapped key differs from the earlier row's is a key change too: the mapping's
   * key need not be the source's primary key.
   */
  private void update(TopicChange next, Change.Update update) {
    RowEdit edit =
        edit(next, projection.row(update.after()), Expected.PRESENT, update.before().orElse(null));
    RowKey oldKey = update.before().flatMap(projection::fullKey).orElse(edit.key());
    if (oldKey.equals(edit.key())) {
      take(edit);
    } else {
      move(oldKey, edit);
    }
  }

  private void truncate(TopicChange next) {
    cut();
    RecordRef from = ref(next);
    long committed = next.change().source().committedMicros();
    steps.add(new Step.Truncate(from, committed));
    for (RowKey key : waiting) {
      addLater(new RowEdit(key, null, Expected.PRESENT, null, from, from, committed));
    }
  }

  private RowEdit edit(TopicChange next, TargetRow row, Expected expected, @Nullable Row earlier) {
    return new RowEdit(
        row.key(),
        row,
        next.isSure() ? expected : Expected.UNKNOWN,
        earlier == null ? null : projection.base(earlier),
        ref(next),
        ref(next),
        next.change().source().committedMicros());
  }

  private RowEdit deletion(TopicChange next, RowKey key, Row earlier) {
    return new RowEdit(
        key,
        null,
        next.isSure() ? Expected.PRESENT : Expected.UNKNOWN,
        projection.base(earlier),
        ref(next),
        ref(next),
        next.change().source().committedMicros());
  }

  private static RecordRef ref(TopicChange change) {
    return new RecordRef(change.offset(), change.change().position());
  }

  private void take(RowEdit edit) {
    if (waiting.contains(edit.key())) {
      addLater(edit);
      return;
    }
    flushMoves();
    RowEdit earlier = pending.get(edit.key());
    if (earlier != null && earlier.isDeletion() && !edit.isDeletion() && !edit.put().isComplete()) {
      // What was not sent is not the deleted row's.
      flushRows();
      earlier = null;
    }
    pending.remove(edit.key());
    pending.put(edit.key(), earlier == null ? edit : earlier.then(edit));
  }

  private void addLater(RowEdit edit) {
    later.merge(edit.key(), edit, RowEdit::then);
  }

  private void move(RowKey oldKey, RowEdit edit) {
    if (waiting.contains(oldKey) || waiting.contains(edit.key())) {
      // One half waits for a decision, so the row cannot simply get another key.
      take(
          new RowEdit(
              oldKey,
              null,
              Expected.PRESENT,
              null,
              edit.first(),
              edit.last(),
              edit.committedMicros()));
      take(edit);
      return;
    }
    flushRows();
    if (moved.contains(oldKey) || moved.contains(edit.key())) {
      flushMoves();
    }
    moved.add(oldKey);
    moved.add(edit.key());
    moves.add(new Step.Move(oldKey, edit));
  }

  private void cut() {
    flushMoves();
    flushRows();
  }

  private void flushMoves() {
    if (!moves.isEmpty()) {
      steps.add(new Step.Moves(moves));
      moves.clear();
      moved.clear();
    }
  }

  private void flushRows() {
    if (!pending.isEmpty()) {
      steps.add(new Step.Rows(List.copyOf(pending.values())));
      pending.clear();
    }
  }
}

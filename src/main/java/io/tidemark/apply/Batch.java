package io.tidemark.apply;

import io.tidemark.change.Change;
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
 * place (a truncate, a key change) cuts the run into steps.
 *
 * <p>INVARIANT: steps written in order leave the target as the changes one by one would have.
 */
final class Batch {
  private final Projection projection;
  private final DeleteHandling deletes;
  private final List<Step> steps = new ArrayList<>();

  private final Map<RowKey, Pending> pending = new LinkedHashMap<>();
  private final List<Step.Move> moves = new ArrayList<>();
  private final Set<RowKey> moved = new HashSet<>();

  private Batch(Projection projection, DeleteHandling deletes) {
    this.projection = projection;
    this.deletes = deletes;
  }

  /** A key's last state; no row means that it is to be gone. */
  private record Pending(@Nullable TargetRow row, RecordRef from) {}

  /** The steps that the changes come to, to be written in order. */
  static List<Step> steps(
      List<TopicChange> changes, Projection projection, DeleteHandling deletes) {
    Batch batch = new Batch(projection, deletes);
    changes.forEach(batch::add);
    batch.cut();
    return List.copyOf(batch.steps);
  }

  private void add(TopicChange next) {
    Change change = next.change();
    RecordRef from = new RecordRef(next.offset(), change.position());
    if (change instanceof Change.Insert insert) {
      insert
          .movedFrom()
          .ifPresentOrElse(
              oldKey -> move(projection.key(oldKey), projection.row(insert.after(), from)),
              () -> put(projection.row(insert.after(), from)));
    } else if (change instanceof Change.Update update) {
      update(update, from);
    } else if (change instanceof Change.Delete delete) {
      // A key change's delete says nothing that its insert does not: that one moves the row.
      if (deletes == DeleteHandling.APPLY && delete.movedTo().isEmpty()) {
        remove(projection.key(delete.before()), from);
      }
    } else if (deletes == DeleteHandling.APPLY) {
      cut();
      steps.add(new Step.Truncate(from));
    }
  }

  /**
   * An update whose mapped key differs from the earlier row's is a key change too: the mapping's
   * key need not be the source's primary key.
   */
  private void update(Change.Update update, RecordRef from) {
    TargetRow row = projection.row(update.after(), from);
    RowKey oldKey = update.before().flatMap(projection::fullKey).orElse(row.key());
    if (oldKey.equals(row.key())) {
      put(row);
    } else {
      move(oldKey, row);
    }
  }

  private void put(TargetRow row) {
    flushMoves();
    Pending earlier = pending.remove(row.key());
    TargetRow known = earlier == null ? null : earlier.row();
    pending.put(row.key(), new Pending(known == null ? row : row.completedBy(known), row.from()));
  }

  private void remove(RowKey key, RecordRef from) {
    flushMoves();
    pending.remove(key);
    pending.put(key, new Pending(null, from));
  }

  private void move(RowKey oldKey, TargetRow row) {
    flushRows();
    if (moved.contains(oldKey) || moved.contains(row.key())) {
      flushMoves();
    }
    moved.add(oldKey);
    moved.add(row.key());
    moves.add(new Step.Move(oldKey, row));
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
    if (pending.isEmpty()) {
      return;
    }
    List<TargetRow> upserts = new ArrayList<>(pending.size());
    List<TargetRow> patches = new ArrayList<>();
    List<Step.Deletion> gone = new ArrayList<>();
    pending.forEach(
        (key, last) -> {
          TargetRow row = last.row();
          if (row == null) {
            gone.add(new Step.Deletion(key, last.from()));
          } else if (row.isComplete()) {
            upserts.add(row);
          } else {
            patches.add(row);
          }
        });
    steps.add(new Step.Rows(upserts, patches, gone));
    pending.clear();
  }
}

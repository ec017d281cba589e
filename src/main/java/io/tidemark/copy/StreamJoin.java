package io.tidemark.copy;

import io.tidemark.change.TableName;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.SourceSnapshot;

/**
 * Where a copy meets the change stream of its configuration. The copy calls these in the order in
 * which they stand here; the rows of the snapshot, then the changes that the snapshot does not see,
 * are the table as the stream knows it at the fenced position.
 */
public interface StreamJoin {
  /** Called before the snapshot is taken: every change that it will not see comes after this. */
  void beforeSnapshot();

  /** Whether there is a stream: if not, the stage needs no key index. */
  boolean isStreaming();

  /**
   * Applies what the stream has by now to the filled stage, in transactions of its own, so that
   * little is left to do under the fence. A direct load does not call it.
   *
   * @param session a target session outside a transaction
   * @param stage has the mapped target columns and a unique index over the key
   * @return the number of changes applied
   */
  long catchUpAhead(PgSession session, TableName stage, SourceSnapshot snapshot);

  /**
   * Stops the configuration's apply loop by holding its position row until the transaction ends.
   * Called first in the transaction that writes the target, before the table is locked: the apply
   * loop takes its locks in the same order.
   */
  void fence(PgSession session);

  /**
   * Applies the changes whose transaction the snapshot does not see, from where {@link
   * #catchUpAhead} ended up to the fenced position. Called again if the transaction was rolled back
   * and is retried.
   *
   * @param table the stage, or the target itself in a direct load
   * @return the number of changes applied
   */
  long catchUp(PgSession session, TableName table, SourceSnapshot snapshot);

  /** Records, in the same transaction, that the target now stands at the fenced position. */
  void commitPosition(PgSession session, SourceSnapshot snapshot);

  /** No stream: the target becomes what the snapshot saw. */
  static StreamJoin none() {
    return NoStream.INSTANCE;
  }
}

package io.tidemark.copy;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.TextForm;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * All sessions of one copy. They end together: when the copy is over, when it is cancelled, and
 * when one of its workers fails, which would otherwise leave the others waiting for it.
 *
 * <p>The lock closes the race of a session that is opened while all are being aborted: it is either
 * among them or refused.
 */
final class Sessions implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Sessions.class.getName());

  // A copy lasts as long as the table is large; limits that a role or database has for short work
  // must not end it. transaction_timeout exists from PostgreSQL 17 on.
  private static final String NO_TIME_LIMITS =
      """
      select set_config(name, '0', false)
      from pg_catalog.pg_settings
      where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout',
                     'transaction_timeout')
      """;

  // row_security off: a policy that hides rows fails the copy, rather than the copy being partial.
  private static final String FIXED_SETTINGS = TextForm.SETTINGS + "set row_security = off";

  // A backend in a long statement does not look at its socket unless told to: without this, a copy
  // whose process was killed would hold its locks until the statement ends.
  private static final String NOTICE_LOST_CLIENT = "set client_connection_check_interval = '2s'";

  private final PgDatabase source;
  private final PgDatabase target;
  private final TableName sourceTable;
  private final TableName targetTable;
  private final Deque<PgSession> open = new ArrayDeque<>();
  private boolean aborted;

  Sessions(PgDatabase source, PgDatabase target, TableName sourceTable, TableName targetTable) {
    this.source = source;
    this.target = target;
    this.sourceTable = sourceTable;
    this.targetTable = targetTable;
  }

  PgSession openSource() {
    return prepared(open(source, Kind.SOURCE, "source table " + sourceTable));
  }

  PgSession openTarget() {
    return prepared(open(target, Kind.TARGET, "target table " + targetTable));
  }

  /** Ends all sessions at once, from any thread; none can be opened after it. */
  void abortAll() {
    List<PgSession> now;
    synchronized (this) {
      aborted = true;
      now = new ArrayList<>(open);
    }
    now.forEach(PgSession::abort);
  }

  /** Ends one session before the others. */
  void close(PgSession session) {
    synchronized (this) {
      open.remove(session);
    }
    session.close();
  }

  @Override
  public void close() {
    while (true) {
      PgSession next;
      synchronized (this) {
        next = open.pollLast();
      }
      if (next == null) {
        return;
      }
      next.close();
    }
  }

  /** Whether the copy is ending. */
  synchronized boolean isAborted() {
    return aborted;
  }

  private PgSession open(PgDatabase database, Kind side, String subject) {
    PgSession session = PgSession.open(database, side, "copy", subject);
    synchronized (this) {
      if (!aborted) {
        open.addLast(session);
        return session;
      }
    }
    session.close();
    throw new OperatingFailure(side, "copy_ended", subject + ": the copy is ending", null, null);
  }

  private static PgSession prepared(PgSession session) {
    session.rows(NO_TIME_LIMITS);
    session.execute(FIXED_SETTINGS);
    try {
      session.execute(NOTICE_LOST_CLIENT);
    } catch (OperatingFailure e) {
      LOG.log(System.Logger.Level.DEBUG, "The server cannot watch its sockets", e);
    }
    return session;
  }
}

package io.tidemark.postgres;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Cuts sessions off that wait for a server which does not work for them any more.
 *
 * <p>A statement may take hours, so no time limit tells a server that works from one that hangs, or
 * from a connection that a firewall has forgotten. So a session that has waited for a while is
 * asked after over another session of the same database: if that one gets no answer, or the server
 * does not work for the first one, its socket is closed. The thread that waits gets a failure, and
 * tries again as after any other.
 *
 * <p>The server may not hear of that for hours, and its process keeps the locks of a transaction
 * that nobody will end. So it is terminated as soon as the server answers.
 *
 * <p>One per database; it keeps a thread and a session of its own only while there is something to
 * do.
 */
final class PgLifeline {
  private static final Logger LOG = System.getLogger(PgLifeline.class.getName());

  /** After this a wait is looked into. */
  private static final Duration PATIENCE = Duration.ofSeconds(6);

  private static final Duration LOOK_EVERY = Duration.ofSeconds(2);

  /** A server that takes longer to answer the question counts as one that hangs. */
  private static final Duration ANSWER_MAX = Duration.ofSeconds(8);

  /**
   * So many looks in one wait have to find that the server does not work for the session: it may
   * just have sent its answer.
   */
  private static final int IDLE_LOOKS_MAX = 2;

  // A server process that waits for its client while the client waits for it: what one of them has
  // sent was lost. Behind a pooler the number is no process of the server, which then says nothing.
  private static final String WORKS =
      """
      select case
        when pg_catalog.pg_backend_pid() <> ? then true
        else exists (
          select
          from pg_catalog.pg_stat_activity a
          where a.pid = ?
            and (a.state is null
              or a.state not like 'idle%'
                and a.wait_event is distinct from 'ClientRead'
                and a.wait_event is distinct from 'ClientWrite'))
      end
      """;

  // The number may belong to a later process by now, or behind a pooler to nobody.
  private static final String TERMINATE =
      """
      select pg_catalog.pg_terminate_backend(a.pid)
      from pg_catalog.pg_stat_activity a
      where pg_catalog.pg_backend_pid() = ?
        and a.pid = ?
        and a.usename = current_user
        and a.backend_start < pg_catalog.clock_timestamp() - ? * interval '1 second'
      """;

  /** After this the server has been started again, or is not there any more. */
  private static final Duration TERMINATE_MAX = Duration.ofMinutes(15);

  /** Between two attempts to terminate what was lost. */
  private static final Duration TERMINATE_EVERY = Duration.ofSeconds(6);

  private static final Map<PgDatabase, PgLifeline> ALL = new ConcurrentHashMap<>();

  /** Starts a look at each database that sessions wait for; does not wait for any of them. */
  private static final ScheduledExecutorService CLOCK =
      Executors.newSingleThreadScheduledExecutor(work -> daemon(work, "postgres lifelines"));

  static {
    CLOCK.scheduleWithFixedDelay(
        () -> ALL.values().forEach(PgLifeline::tick),
        LOOK_EVERY.toMillis(),
        LOOK_EVERY.toMillis(),
        TimeUnit.MILLISECONDS);
  }

  private final PgDatabase database;
  private final Set<PgSocket> sockets = ConcurrentHashMap.newKeySet();

  /** The sockets that were lost and whose server processes may still be there, and since when. */
  private final Map<PgSocket, Long> lost = new ConcurrentHashMap<>();

  private long terminateAt = System.nanoTime();
  private volatile @Nullable Thread looking;
  private PgDatabase.@Nullable Unwatched session;

  private PgLifeline(PgDatabase database) {
    this.database = database;
  }

  /** Watches over a session's socket until it is closed. */
  static void watch(PgDatabase database, PgSocket socket) {
    ALL.computeIfAbsent(database, PgLifeline::new).sockets.add(socket);
  }

  /**
   * Notes which server process is behind a socket: it is terminated once the socket is lost.
   *
   * @param backend pid of the process
   */
  static void serve(PgDatabase database, PgSocket socket, int backend) {
    PgLifeline lifeline = ALL.computeIfAbsent(database, PgLifeline::new);
    socket.serves(backend, () -> lifeline.lost.putIfAbsent(socket, System.nanoTime()));
  }

  private static Thread daemon(Runnable work, String name) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    return thread;
  }

  private void tick() {
    sockets.removeIf(PgSocket::isClosed);
    if (isNeeded() && looking == null) {
      Thread thread = daemon(this::look, "lifeline " + database.connection());
      looking = thread;
      thread.start();
    }
  }

  private boolean isNeeded() {
    return !lost.isEmpty() || sockets.stream().anyMatch(PgLifeline::waitsLong);
  }

  private static boolean waitsLong(PgSocket socket) {
    return socket.waitingNanos() > PATIENCE.toNanos();
  }

  /** Looks again and again while there is something to look after. */
  private void look() {
    try {
      while (isNeeded()) {
        cutOffWhatIsLost();
        terminateWhatWasLost();
        TimeUnit.MILLISECONDS.sleep(LOOK_EVERY.toMillis());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error e) {
      LOG.log(
          Level.WARNING, "sessions of '" + database.connection() + "' were not looked after", e);
    } finally {
      end();
      looking = null;
    }
  }

  private void cutOffWhatIsLost() {
    List<Wait> waits = sockets.stream().filter(PgLifeline::waitsLong).map(Wait::of).toList();
    boolean answers = true;
    for (Wait wait : waits) {
      boolean isLost = true;
      if (answers) {
        try {
          isLost = wait.socket().idleLooks(isWorkedFor(wait.socket())) >= IDLE_LOOKS_MAX;
        } catch (SQLException e) {
          // Then none of them gets an answer.
          answers = false;
          LOG.log(
              Level.DEBUG, () -> "'" + database.connection() + "' does not answer its lifeline", e);
        }
      }
      if (isLost && wait.isGoingOn()) {
        cut(wait.socket());
      }
    }
  }

  /** One wait of a socket; the answer may come at any time, and another wait begin. */
  private record Wait(PgSocket socket, long number) {
    static Wait of(PgSocket socket) {
      return new Wait(socket, socket.waitNumber());
    }

    boolean isGoingOn() {
      return socket.waitNumber() == number && waitsLong(socket);
    }
  }

  private void cut(PgSocket socket) {
    LOG.log(
        Level.WARNING,
        () ->
            "a session of connection '%s' got no answer for %d s, and is cut off"
                .formatted(database.connection(), socket.waitingNanos() / 1_000_000_000));
    try {
      socket.cut();
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "a socket did not close cleanly", e);
    }
    lost.putIfAbsent(socket, System.nanoTime());
  }

  private void terminateWhatWasLost() {
    lost.values().removeIf(nanos -> System.nanoTime() - nanos > TERMINATE_MAX.toNanos());
    if (System.nanoTime() - terminateAt < 0) {
      return;
    }
    try {
      for (Map.Entry<PgSocket, Long> one : lost.entrySet()) {
        terminate(one.getKey(), one.getValue());
        lost.remove(one.getKey());
      }
    } catch (SQLException e) {
      // Tried again: the server is away.
      LOG.log(Level.DEBUG, () -> "'" + database.connection() + "' does not terminate sessions", e);
      end();
      terminateAt = System.nanoTime() + TERMINATE_EVERY.toNanos();
    }
  }

  private void terminate(PgSocket socket, long lostNanos) throws SQLException {
    PgDatabase.Unwatched asking = asking();
    if (!asking.isOf(socket)) {
      return;
    }
    try (PreparedStatement statement = asking.session().prepareStatement(TERMINATE)) {
      statement.setInt(1, PgDatabase.pg(asking.session()).getBackendPID());
      statement.setInt(2, socket.backend());
      statement.setDouble(3, (System.nanoTime() - lostNanos) / 1e9);
      try (ResultSet row = statement.executeQuery()) {
        if (row.next()) {
          LOG.log(
              Level.INFO,
              () ->
                  "a session of connection '%s' that was lost is terminated at the server"
                      .formatted(database.connection()));
        }
      }
    }
  }

  /** Whether the server works for the session, as far as it can tell. */
  private boolean isWorkedFor(PgSocket socket) throws SQLException {
    boolean wasKept = session != null;
    try {
      return ask(socket);
    } catch (SQLException e) {
      end();
      if (!wasKept) {
        throw e;
      }
      return ask(socket);
    }
  }

  private boolean ask(PgSocket socket) throws SQLException {
    PgDatabase.Unwatched current = asking();
    try (PreparedStatement statement = current.session().prepareStatement(WORKS)) {
      statement.setInt(1, PgDatabase.pg(current.session()).getBackendPID());
      statement.setInt(2, socket.backend());
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        // A URL with several hosts may have led to another server.
        return row.getBoolean(1) || !current.isOf(socket);
      }
    }
  }

  private PgDatabase.Unwatched asking() throws SQLException {
    PgDatabase.Unwatched current = session;
    if (current == null) {
      current = database.openUnwatched("lifeline", ANSWER_MAX);
      session = current;
    }
    return current;
  }

  private void end() {
    PgDatabase.Unwatched former = session;
    session = null;
    if (former != null) {
      try {
        former.session().close();
      } catch (SQLException e) {
        LOG.log(Level.DEBUG, "a lifeline's session did not close cleanly", e);
      }
    }
  }
}

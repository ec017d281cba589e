package io.tidemark.apply;

import io.tidemark.apply.JdbcTableWriter.Ready;
import io.tidemark.change.RowKey;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * Writes batches to one target table exactly once: rows and position in one transaction.
 *
 * <p>Three ways, each taken when the one before it does not do. One guarded statement writes a
 * whole step, as long as the target is as the changes expect. Where others have written, the rows
 * are looked at first and decided by the policy. And if the target refuses a row, halves of the
 * batch are tried until that row stands alone; it is parked, the others are written.
 */
public final class JdbcApplier implements AutoCloseable {
  /** Batches that are looked at first after one that met a conflict: more are likely to. */
  private static final int CAUTIOUS_BATCHES = 8;

  private final JdbcWriterSession session;
  private final UUID configuration;
  private final JdbcStatements statements;
  private final JdbcPositions positions;
  private final ApplyPorts ports;
  private final ConflictPolicy policy;
  private final DeleteHandling deletes;
  private final Set<RowKey> waiting = new HashSet<>();

  /** Also read by who prepares a batch while another one is being written. */
  private volatile JdbcWays ways;

  private InStep inStep;
  private int cautious;

  /** Takes the session over: it is this applier's until closed. */
  public JdbcApplier(
      Connection connection,
      UUID configuration,
      TableMapping mapping,
      DeleteHandling deletes,
      ConflictPolicy policy,
      JdbcPositions positions,
      ApplyPorts ports)
      throws SQLException {
    this.configuration = configuration;
    this.positions = positions;
    this.ports = ports;
    this.deletes = deletes;
    this.policy = policy;
    session = JdbcWriterSession.of(connection, configuration, policy.detection());
    statements = new JdbcStatements(connection);
    inStep = new InStep("-infinity", session.origins(), null);
    ways = ways(mapping, JdbcRowFilter.of(statements, mapping, ports.whole()));
  }

  /** Writes what comes from now on by another mapping of the same tables. */
  void use(TableMapping now) throws SQLException {
    ways = ways(now, JdbcRowFilter.of(statements, now, ports.whole()));
  }

  private JdbcWays ways(TableMapping mapping, Optional<JdbcRowFilter> filter) throws SQLException {
    Guard guard = Guard.of(policy, mapping, deletes, inStep);
    return new JdbcWays(
        mapping,
        filter,
        deletes,
        new Projection(mapping),
        new JdbcTableWriter(statements, mapping, guard),
        new JdbcConflictWriter(statements, mapping, guard, policy, ports.newest()));
  }

  /**
   * Reads since when the target is in step and which keys wait for a person. To be called before
   * the first batch, and whenever somebody else has moved the position.
   */
  public void renew(String topic) throws SQLException {
    waiting.clear();
    waiting.addAll(ports.conflicts().waiting());
    if (policy.detection() != ConflictDetection.ORIGIN) {
      return;
    }
    Connection connection = session.connection();
    String since = positions.inStepSince(connection, topic);
    UUID kept = positions.hasKept(connection) ? configuration : null;
    connection.commit();
    InStep now = new InStep(since, session.origins(), kept);
    if (!now.equals(inStep)) {
      inStep = now;
      ways = ways(ways.mapping(), ways.filter());
    }
  }

  /**
   * A batch of which everything is done that needs no answer of the server, on the guess that
   * nothing changes meanwhile: the mapping stays, and no key waits for a person.
   */
  record Prepared(JdbcWays ways, Batch.Plan plan, List<Ready> steps) {}

  /**
   * Prepares changes while others may be being written; by a thread of its own, one at a time.
   * Empty if it takes the server.
   */
  Optional<Prepared> prepare(List<TopicChange> changes) throws SQLException {
    JdbcWays now = ways;
    if (now.filter().isPresent()) {
      return Optional.empty();
    }
    Batch.Plan plan = now.plan(changes, Set.of());
    return Optional.of(new Prepared(now, plan, now.ready(plan)));
  }

  /**
   * Writes what the changes come to and moves the position, both or neither.
   *
   * @param changes of one partition, in the order of their offsets
   * @param prepared these changes, if they were; made anew if the guess was wrong
   * @throws SQLException if the target cannot take them now; nothing is written then
   */
  Applied apply(
      List<TopicChange> changes,
      Optional<Prepared> prepared,
      AppliedPosition from,
      AppliedPosition to)
      throws SQLException {
    Optional<JdbcRowFilter> filter = ways.filter();
    List<TopicChange> taken = filter.isEmpty() ? changes : filter.get().of(changes);
    Optional<Prepared> usable = prepared.filter(ahead -> ahead.ways() == ways && waiting.isEmpty());
    while (true) {
      Optional<Applied> applied = applyOnce(taken, usable, from, to);
      if (applied.isPresent()) {
        return applied.get();
      }
      // Keys were decided meanwhile and wait no more: there are fewer of them each time.
      usable = Optional.empty();
    }
  }

  /** Likewise, of changes that were not prepared. */
  public Applied apply(List<TopicChange> changes, AppliedPosition from, AppliedPosition to)
      throws SQLException {
    return apply(changes, Optional.empty(), from, to);
  }

  /** Empty if keys that were believed to wait do not. */
  private Optional<Applied> applyOnce(
      List<TopicChange> changes,
      Optional<Prepared> prepared,
      AppliedPosition from,
      AppliedPosition to)
      throws SQLException {
    try {
      Batch.Plan plan = prepared.isPresent() ? prepared.get().plan() : ways.plan(changes, waiting);
      if (cautious == 0 && !sparesWaiting(plan)) {
        List<Ready> steps = prepared.isPresent() ? prepared.get().steps() : ways.ready(plan);
        JdbcAttempt attempt = attempt(from, to);
        if (!attempt.begin()) {
          return Optional.of(new Applied.Fenced());
        }
        if (attempt.writeGuarded(plan, steps)) {
          return attempt.commit();
        }
        session.connection().rollback();
        cautious = CAUTIOUS_BATCHES;
      }
      JdbcAttempt attempt = attempt(from, to);
      if (!attempt.begin()) {
        return Optional.of(new Applied.Fenced());
      }
      attempt.write(plan);
      cautious = attempt.hasConflicts() ? CAUTIOUS_BATCHES : Math.max(0, cautious - 1);
      return attempt.commit();
    } catch (SQLException e) {
      session.rollback(e);
      if (!ways.isOfARow(e)) {
        throw e;
      }
    } catch (RuntimeException e) {
      session.rollback(e);
      throw e;
    }
    try {
      JdbcAttempt attempt = attempt(from, to);
      if (!attempt.begin()) {
        return Optional.of(new Applied.Fenced());
      }
      attempt.writeByHalves(changes);
      return attempt.commit();
    } catch (SQLException | RuntimeException e) {
      session.rollback(e);
      throw e;
    }
  }

  private JdbcAttempt attempt(AppliedPosition from, AppliedPosition to) {
    return new JdbcAttempt(session, ways, positions, ports, waiting, from, to);
  }

  /** Whether a TRUNCATE has to leave rows that wait for a person. */
  private boolean sparesWaiting(Batch.Plan plan) {
    return !waiting.isEmpty() && plan.steps().stream().anyMatch(Step.Truncate.class::isInstance);
  }

  @Override
  public void close() throws SQLException {
    try {
      statements.close();
    } finally {
      session.close();
    }
  }
}

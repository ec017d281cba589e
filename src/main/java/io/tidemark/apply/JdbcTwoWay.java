package io.tidemark.apply;

import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.conflict.ConflictResolver;
import io.tidemark.sync.TableMapping;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import java.util.UUID;

/**
 * Keeps two tables in step in both directions. What arrives of either side only says which rows
 * were touched; those are read on both sides, locked, compared, and whichever side is behind is
 * written.
 *
 * <p>INVARIANT: what is written follows from what both sides hold, not from what a change says. So
 * a change that is repeated after a crash, or that was overtaken, does no harm, and two rows that
 * were ever compared after their last change are equal or wait for a person.
 *
 * <p>INVARIANT: the position moves first, in the target's transaction, which ends last. Whoever
 * lost the position writes neither side; a crash between the two commits repeats the batch.
 */
final class JdbcTwoWay implements AutoCloseable {
  private final JdbcBothSides sides;
  private final TwoWayDecision rules;
  private final TwoWayConflicts records;
  private final TwoWayMemory memory;
  private final JdbcPositions positions;
  private final ApplyPorts ports;

  /** Takes both sessions over. */
  JdbcTwoWay(
      Connection sourceSession,
      Connection targetSession,
      UUID configuration,
      TableMapping mapping,
      ConflictPolicy policy,
      JdbcPositions positions,
      ApplyPorts ports)
      throws SQLException {
    this.positions = positions;
    this.ports = ports;
    int timestamp = policy.timestamp().map(mapping.targetNames()::indexOf).orElse(-1);
    sides =
        new JdbcBothSides(
            new JdbcSide(sourceSession, configuration, mapping.reversed(), timestamp),
            new JdbcSide(targetSession, configuration, mapping, timestamp));
    rules = new TwoWayDecision(new ConflictResolver(policy.strategy()));
    records = new TwoWayConflicts(mapping);
    memory = new TwoWayMemory(ports.conflicts(), records.keyColumns());
  }

  /** Reads which keys wait for a person; before the first batch and after somebody else's write. */
  void renew() {
    memory.renew();
  }

  /** Brings the touched rows in step; both sides and the positions, or nothing that counts. */
  Applied apply(TwoWayWork work) throws SQLException {
    while (true) {
      JdbcTwoWayAttempt attempt = new JdbcTwoWayAttempt(sides, rules, records, memory, ports, work);
      try {
        if (!advance(work)) {
          sides.rollback(null);
          return new Applied.Fenced();
        }
        attempt.bringInStep();
        Optional<Applied> applied = attempt.commit();
        if (applied.isPresent()) {
          return applied.get();
        }
        // Keys were decided meanwhile and wait no more: there are fewer of them each time.
      } catch (SQLException | RuntimeException e) {
        sides.rollback(e);
        throw e;
      }
    }
  }

  private boolean advance(TwoWayWork work) throws SQLException {
    Connection target = sides.target().session();
    return positions.advance(target, work.sourceFrom(), work.sourceTo())
        && positions.advance(target, work.targetFrom(), work.targetTo());
  }

  /** Fails if a session is gone: an idle one is not told. */
  void checkAlive() throws SQLException {
    sides.checkAlive();
  }

  @Override
  public void close() throws SQLException {
    sides.close();
  }
}

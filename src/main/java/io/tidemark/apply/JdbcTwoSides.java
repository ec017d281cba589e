package io.tidemark.apply;

import io.tidemark.change.OperatingFailure;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * The sessions of a loop in both directions: what it asks of the two databases. Every failure comes
 * out as an {@link OperatingFailure} fit for a person.
 */
final class JdbcTwoSides implements AutoCloseable {
  private static final String LEAD =
      "select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended(?, 0))";

  private final TwoWayTask task;
  private final Connection lead;
  private final JdbcPositions positions;
  private final JdbcTwoWay twoWay;
  private final TargetTable table;

  private JdbcTwoSides(TwoWayTask task, Connection lead, JdbcTwoWay twoWay, TargetTable table) {
    this.task = task;
    this.lead = lead;
    this.twoWay = twoWay;
    this.table = table;
    positions = new JdbcPositions(task.configuration());
  }

  static JdbcTwoSides open(TwoWayTask task, ApplyPlan plan, ApplyPorts ports) {
    String purpose = "two ways " + task.sourceTopic();
    try (Opening opening = new Opening()) {
      Connection lead = opening.add(task.target().open(purpose + " lead"));
      Connection target = opening.add(task.target().open(purpose));
      Connection source = opening.add(task.source().open(purpose));
      JdbcPositions.ensureTable(target);
      JdbcTwoWay twoWay =
          new JdbcTwoWay(
              source,
              target,
              task.configuration(),
              plan.mapping(),
              plan.policy(),
              new JdbcPositions(task.configuration()),
              ports);
      opening.done();
      return new JdbcTwoSides(
          task,
          lead,
          twoWay,
          new TargetTable(task.target().connection(), plan.mapping().target().name()));
    } catch (SQLException e) {
      throw failure(task, e);
    }
  }

  /** Whether this instance leads now; it does for as long as its session lives. */
  boolean takeLead() {
    return run(
        () -> {
          try (PreparedStatement statement = lead.prepareStatement(LEAD)) {
            statement.setString(1, "tidemark two ways " + task.configuration());
            try (ResultSet row = statement.executeQuery()) {
              row.next();
              return row.getBoolean(1);
            }
          }
        });
  }

  /** Where the target stands with one side's topic; also reads anew which keys wait. */
  Optional<AppliedPosition> find(String topic) {
    return run(
        () -> {
          twoWay.renew();
          positions.requireTarget(lead, topic, table);
          return positions.find(lead, topic, 0);
        });
  }

  /** See {@link JdbcTwoWay#apply}. */
  Applied apply(TwoWayWork work) {
    return run(() -> twoWay.apply(work));
  }

  /** Fails if a session is gone: an idle one is not told. */
  void checkAlive() {
    run(
        () -> {
          twoWay.checkAlive();
          return true;
        });
  }

  private interface Work<T> {
    T run() throws SQLException;
  }

  private <T> T run(Work<T> work) {
    try {
      return work.run();
    } catch (SQLException e) {
      throw failure(task, e);
    }
  }

  private static OperatingFailure failure(TwoWayTask task, SQLException e) {
    return JdbcTarget.failure(
        "connection '" + task.source().connection() + "' or '" + task.target().connection() + "'",
        e);
  }

  @Override
  public void close() {
    run(
        () -> {
          try (lead) {
            twoWay.close();
          }
          return true;
        });
  }

  /** Closes what was opened, unless all of it was. */
  private static final class Opening implements AutoCloseable {
    private final Deque<Connection> open = new ArrayDeque<>();

    Connection add(Connection connection) {
      open.push(connection);
      return connection;
    }

    void done() {
      open.clear();
    }

    @Override
    public void close() throws SQLException {
      SQLException first = null;
      for (Connection connection : open) {
        try {
          connection.close();
        } catch (SQLException e) {
          if (first == null) {
            first = e;
          } else {
            first.addSuppressed(e);
          }
        }
      }
      if (first != null) {
        throw first;
      }
    }
  }
}

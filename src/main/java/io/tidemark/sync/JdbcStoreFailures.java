package io.tidemark.sync;

import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.PgFailure;
import java.sql.SQLException;
import java.util.Optional;
import org.jdbi.v3.core.ConnectionException;
import org.postgresql.util.PSQLException;

/** Tells a metadata database that does not answer from a statement of ours that is wrong. */
public final class JdbcStoreFailures {
  private static final String CONNECTION_FAILED = "08";
  private static final String SERVER_STOPS = "57P";

  private JdbcStoreFailures() {}

  /**
   * The failure as one of the metadata database, if it has no session to give or lost one. Failures
   * of sources and targets never get here: they are an {@link OperatingFailure} from the start.
   */
  public static Optional<OperatingFailure> in(Throwable failure) {
    boolean isWithoutSession = false;
    for (Throwable at = failure; at != null; at = at.getCause()) {
      isWithoutSession |= at instanceof ConnectionException;
      if (at instanceof SQLException said && (isWithoutSession || isLost(said))) {
        return Optional.of(unreachable(said, failure));
      }
    }
    return Optional.empty();
  }

  private static boolean isLost(SQLException said) {
    String state = String.valueOf(said.getSQLState());
    return state.startsWith(CONNECTION_FAILED) || state.startsWith(SERVER_STOPS);
  }

  private static OperatingFailure unreachable(SQLException said, Throwable failure) {
    String reason =
        said instanceof PSQLException ? PgFailure.describe(said) : "no session became free in time";
    return new OperatingFailure(
        OperatingFailure.Kind.STORE,
        "store_unreachable",
        "the metadata database does not answer: " + reason,
        "See that it is up and that tidemark.store.url, .username and .password are right, and"
            + " try again",
        failure);
  }
}

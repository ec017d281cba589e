package io.tidemark.postgres;

import java.sql.SQLException;
import org.postgresql.util.PSQLException;

/** What an {@link SQLException} says that may be shown: no statement, no row, no secret. */
public final class PgFailure {
  private PgFailure() {}

  /**
   * The server's own first line, or the driver's. Server messages about data (class 22 and 23)
   * quote values and are replaced by their SQLSTATE.
   */
  public static String describe(SQLException failure) {
    String state = String.valueOf(failure.getSQLState());
    if (state.startsWith("22") || state.startsWith("23")) {
      return "the data was refused with SQLSTATE " + state;
    }
    if (failure instanceof PSQLException fromServer
        && fromServer.getServerErrorMessage() != null
        && fromServer.getServerErrorMessage().getMessage() != null) {
      return fromServer.getServerErrorMessage().getMessage();
    }
    // DriverManager's own message quotes the URL, which may hold a password.
    return failure instanceof PSQLException
        ? String.valueOf(failure.getMessage()).lines().findFirst().orElse(state)
        : "the JDBC URL is not one that the PostgreSQL driver takes";
  }

  /** Whether the server refused who we are, rather than what we asked. */
  public static boolean isAuthentication(SQLException failure) {
    return String.valueOf(failure.getSQLState()).startsWith("28");
  }
}

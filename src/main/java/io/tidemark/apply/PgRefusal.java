package io.tidemark.apply;

import java.sql.SQLException;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** What the target's refusal of a statement means. */
enum PgRefusal {
  /** One of the rows is at fault: found by bisecting, and parked. */
  ROW,
  /** The same statement may succeed if it is tried again: a deadlock, a lock not had in time. */
  TRANSIENT,
  /** The session or server is gone: try again over a new one. */
  UNREACHABLE,
  /** The table or the privileges are not as the configuration needs them: a person must act. */
  SCHEMA;

  /** The SQL standard's state for a trigger that stands in the way of its own statement. */
  private static final String LEFT_OUT = "27000";

  /** Of a transaction that is to be tried again. */
  private static final String TRY_AGAIN = "40001";

  static PgRefusal of(SQLException e) {
    String state = e.getSQLState();
    if (state == null || state.length() < 2) {
      return UNREACHABLE;
    }
    return switch (state.substring(0, 2)) {
      // Data exceptions, integrity violations, and what a trigger of the target raises.
      case "22", "23", "27", "44", "P0" -> ROW;
      case "40", "55" -> TRANSIENT;
      case "08", "57", "58", "53", "XX" -> UNREACHABLE;
      default -> SCHEMA;
    };
  }

  /** A row that nobody but a trigger can have kept from being written. */
  static SQLException leftOut() {
    return new SQLException("a trigger of the target left a row out", LEFT_OUT);
  }

  /** A row that is not as it was looked at. */
  static SQLException overtaken() {
    return new SQLException("a row came or went between look and write", TRY_AGAIN);
  }

  /** Whether a value is none of its enum type's. */
  static boolean isUnknownLabel(SQLException e) {
    ServerErrorMessage server = e instanceof PSQLException pg ? pg.getServerErrorMessage() : null;
    return server != null
        && "22P02".equals(e.getSQLState())
        && "enum_in".equals(server.getRoutine());
  }

  /** What is wrong with the row: the constraint or column by name, never a value. */
  static String describe(SQLException e) {
    ServerErrorMessage server = e instanceof PSQLException pg ? pg.getServerErrorMessage() : null;
    StringBuilder text = new StringBuilder(meaning(e.getSQLState()));
    if (server != null) {
      append(text, "constraint", server.getConstraint());
      append(text, "column", server.getColumn());
      append(text, "type", server.getDatatype());
    }
    return text.append(" (SQLSTATE ").append(e.getSQLState()).append(')').toString();
  }

  private static void append(
      StringBuilder text, String what, @org.jspecify.annotations.Nullable String name) {
    if (name != null) {
      text.append(", ").append(what).append(' ').append(name);
    }
  }

  private static String meaning(String state) {
    return switch (state) {
      case "23505" -> "another row of the target holds the same unique value";
      case "23503" -> "a foreign key of the target is not satisfied";
      case "23502" -> "the target does not allow null here";
      case "23514" -> "a check of the target is not satisfied";
      case "22001" -> "a value is too long for the target's column";
      case "22003" -> "a number is out of the target column's range";
      case "22P02", "22007", "22008" -> "a value is not valid for the target column's type";
      case LEFT_OUT -> "a trigger of the target left the row out";
      case "P0001" -> "a trigger of the target refused the row";
      default -> "the target refused the row";
    };
  }
}

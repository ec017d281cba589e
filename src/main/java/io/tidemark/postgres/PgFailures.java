package io.tidemark.postgres;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.OperatingFailure.Kind;
import java.sql.SQLException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * What an SQLSTATE means: whose failure it is and what to do about it.
 *
 * <p>INVARIANT: no row's value gets out. PostgreSQL puts values into the detail of every constraint
 * violation and into the message itself of a rejected value, so for such states the text is our own
 * and the exception that carried the values is replaced.
 */
public final class PgFailures {
  private record Meaning(@Nullable Kind kind, String code, String text, @Nullable String hint) {}

  /** States whose own message speaks of names and settings, never of a row's values. */
  private static final Set<String> TELLING =
      Set.of("08", "0A", "25", "28", "3D", "40", "42", "53", "54", "55", "57", "58");

  private static final Map<String, Meaning> BY_STATE =
      Map.ofEntries(
          Map.entry("22P02", user("value_rejected", "a value is not of the column's type")),
          Map.entry("22001", user("value_too_long", "a value is too long for the column")),
          Map.entry("22003", user("value_out_of_range", "a number is out of the column's range")),
          Map.entry("23502", user("not_null_violation", "a null meets a column that takes none")),
          Map.entry("23503", user("foreign_key_violation", "a foreign key would be violated")),
          Map.entry("23505", user("unique_violation", "a unique constraint would be violated")),
          Map.entry("23514", user("check_violation", "a check constraint would be violated")),
          Map.entry(
              "23P01", user("exclusion_violation", "an exclusion constraint would be violated")),
          Map.entry("40001", ofSide("serialization_failure", "a concurrent transaction won", null)),
          Map.entry("40P01", ofSide("deadlock", "two transactions waited for each other", null)),
          Map.entry(
              "42501",
              new Meaning(
                  Kind.USER,
                  "privilege_missing",
                  "a privilege is missing",
                  "Grant it, and retry.")),
          Map.entry("42P01", user("table_missing", "a table is missing")),
          Map.entry("42703", user("column_missing", "a column is missing")),
          Map.entry(
              "53100",
              new Meaning(
                  Kind.CAPACITY, "disk_full", "the server's disk is full", "Free disk space.")),
          Map.entry(
              "53300",
              new Meaning(
                  Kind.CAPACITY,
                  "too_many_connections",
                  "the server takes no more connections",
                  "Raise max_connections, or run fewer workers.")),
          Map.entry(
              "55P03",
              new Meaning(
                  Kind.CAPACITY,
                  "lock_timeout",
                  "another session kept a lock for too long",
                  "Find it in pg_locks; retry when it has ended.")),
          Map.entry("57014", ofSide("statement_cancelled", "the statement was cancelled", null)));

  private static final Map<String, Meaning> BY_CLASS =
      Map.ofEntries(
          Map.entry("08", lost()),
          Map.entry("0A", user("not_supported", "PostgreSQL does not support it")),
          Map.entry("22", user("value_rejected", "a value does not fit its column")),
          Map.entry("23", user("constraint_violation", "a constraint would be violated")),
          Map.entry("25", ofSide("transaction_state", "the session may not do that now", null)),
          Map.entry(
              "28",
              ofSide(
                  "authentication_failed",
                  "the server refuses the user",
                  "Check username, password and pg_hba.conf.")),
          Map.entry("3D", user("database_missing", "there is no such database")),
          Map.entry("42", user("statement_rejected", "the statement is not valid there")),
          Map.entry(
              "53",
              new Meaning(
                  Kind.CAPACITY, "server_resources", "the server is short of resources", null)),
          Map.entry(
              "54",
              new Meaning(
                  Kind.CAPACITY, "limit_exceeded", "a limit of PostgreSQL is reached", null)),
          Map.entry("57", lost()),
          Map.entry("P0", user("trigger_raised", "a trigger or function raised an error")));

  /** Context of a COPY error: the value, where there is one, stands after the column's name. */
  private static final Pattern COPY_COLUMN = Pattern.compile(", line \\d+, column (.+?)(?::|$)");

  private PgFailures() {}

  /**
   * @param side whose database it is: SOURCE, TARGET or STORE
   * @param subject what was being worked on, such as a table's name
   */
  public static OperatingFailure of(SQLException failure, Kind side, String subject) {
    String state = stateOf(failure);
    Meaning meaning = meaningOf(state);
    StringBuilder message = new StringBuilder(subject).append(": ").append(meaning.text());
    Optional<ServerErrorMessage> server = serverMessage(failure);
    server.flatMap(PgFailures::columnOf).ifPresent(c -> message.append(", column ").append(c));
    server
        .map(ServerErrorMessage::getConstraint)
        .ifPresent(c -> message.append(", constraint ").append(c));
    boolean telling = TELLING.contains(classOf(state));
    if (telling) {
      String own = server.map(ServerErrorMessage::getMessage).orElse(failure.getMessage());
      message.append(": ").append(own);
    }
    message.append(" (SQLSTATE ").append(state).append(')');
    Kind kind = meaning.kind() == null ? side : meaning.kind();
    return new OperatingFailure(
        kind,
        meaning.code(),
        message.toString(),
        meaning.hint(),
        telling ? failure : bare(failure));
  }

  /** The failure's place and state, without its text. */
  private static SQLException bare(SQLException failure) {
    String state = stateOf(failure);
    SQLException bare = new SQLException("SQLSTATE " + state, state);
    bare.setStackTrace(failure.getStackTrace());
    return bare;
  }

  private static Meaning meaningOf(String state) {
    Meaning exact = BY_STATE.get(state);
    if (exact != null) {
      return exact;
    }
    return BY_CLASS.getOrDefault(
        classOf(state), ofSide("database_error", "the database reports an error", null));
  }

  private static Optional<ServerErrorMessage> serverMessage(SQLException failure) {
    return failure instanceof PSQLException told
        ? Optional.ofNullable(told.getServerErrorMessage())
        : Optional.empty();
  }

  private static Optional<String> columnOf(ServerErrorMessage message) {
    if (message.getColumn() != null) {
      return Optional.of(message.getColumn());
    }
    if (message.getWhere() == null) {
      return Optional.empty();
    }
    Matcher column = COPY_COLUMN.matcher(message.getWhere());
    return column.find() ? Optional.of(column.group(1)) : Optional.empty();
  }

  /** Five characters; a failure of the driver itself may have none and counts as internal. */
  private static String stateOf(SQLException failure) {
    String state = failure.getSQLState();
    return state == null || state.length() != 5 ? "XX000" : state;
  }

  private static String classOf(String state) {
    return state.substring(0, 2);
  }

  private static Meaning user(String code, String text) {
    return new Meaning(Kind.USER, code, text, null);
  }

  private static Meaning lost() {
    return ofSide("connection_lost", "the connection was lost", null);
  }

  private static Meaning ofSide(String code, String text, @Nullable String hint) {
    return new Meaning(null, code, text, hint);
  }
}

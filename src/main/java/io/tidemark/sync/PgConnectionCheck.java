package io.tidemark.sync;

import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgFailure;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Asks one database whether it can be a source or a target. */
public final class PgConnectionCheck {
  private final InstantSource clock;
  private final UnaryOperator<String> slotOf;

  /**
   * @param slotOf the name of a source connection's replication slot
   */
  public PgConnectionCheck(InstantSource clock, UnaryOperator<String> slotOf) {
    this.clock = clock;
    this.slotOf = slotOf;
  }

  /**
   * What one check found.
   *
   * @param latencyMillis for one question and answer; null if unreachable
   */
  public record Result(
      boolean reachable,
      @Nullable String serverVersion,
      @Nullable Long latencyMillis,
      @Nullable String walLevel,
      boolean canReplicate,
      boolean canCreate,
      boolean tracksCommitTimestamps,
      List<Finding> findings) {
    public Result {
      findings = List.copyOf(findings);
    }
  }

  /** Checks a database for either use: what only one of them needs is a warning here. */
  public Result check(PgDatabase database) {
    try (Connection connection = database.open("check")) {
      // The first statement of a session also fills caches of the server; the second is measured.
      PgServer.of(connection);
      var before = clock.instant();
      PgServer server = PgServer.of(connection);
      long millis = Duration.between(before, clock.instant()).toMillis();
      List<Finding> findings = new ArrayList<>();
      PgCaptureRoom room = PgCaptureRoom.of(connection, slotOf.apply(database.connection()));
      asSource("as_source", server, room).forEach(finding -> findings.add(asWarning(finding)));
      asTarget("as_target", server).forEach(finding -> findings.add(asWarning(finding)));
      return new Result(
          true,
          server.version(),
          millis,
          server.walLevel(),
          server.canReplicate(),
          server.canCreate(),
          server.tracksCommitTimestamps(),
          findings);
    } catch (SQLException e) {
      List<Finding> findings = List.of(unreachable("connection", database, e));
      return new Result(false, null, null, null, false, false, false, findings);
    }
  }

  private static Finding asWarning(Finding finding) {
    return Finding.warning(finding.field(), finding.code(), finding.message(), finding.fix());
  }

  static Finding unreachable(String field, PgDatabase database, SQLException e) {
    String fix =
        PgFailure.isAuthentication(e)
            ? "Correct its user name and password, or what pg_hba.conf allows"
            : "See that its URL is right, that the server is up and that it can be reached from here";
    return Finding.error(
        field,
        "connection_unreachable",
        "connection '" + database.connection() + "' cannot be opened: " + PgFailure.describe(e),
        fix);
  }

  /** What keeps changes from being captured. */
  static List<Finding> asSource(String field, PgServer server, PgCaptureRoom room) {
    List<Finding> findings = new ArrayList<>(version(field, server));
    findings.addAll(readOnly(field, server));
    if (!server.walLevel().equals("logical")) {
      findings.add(
          Finding.error(
              field,
              "wal_level",
              "wal_level is " + server.walLevel() + ", so changes cannot be captured",
              "alter system set wal_level = logical, and restart the server"));
    }
    if (!server.canReplicate()) {
      findings.add(
          Finding.error(
              field,
              "no_privilege",
              "the role may not read the log",
              "alter role "
                  + server.role()
                  + " replication (on RDS: grant rds_replication to "
                  + server.role()
                  + ")"));
    }
    if (!server.canCreate()) {
      findings.add(
          Finding.error(
              field,
              "no_privilege",
              "the role may not create a publication",
              server.grantCreate()));
    }
    findings.addAll(room.findings(field));
    return findings;
  }

  /** What keeps rows and positions from being written. */
  static List<Finding> asTarget(String field, PgServer server) {
    List<Finding> findings = new ArrayList<>(version(field, server));
    findings.addAll(readOnly(field, server));
    if (!server.hasSchema() && !server.canCreate()) {
      findings.add(
          Finding.error(
              field,
              "no_privilege",
              "the role may not create the schema tidemark, which holds the applied position",
              server.grantCreate() + ", or create the schema for it"));
    }
    if (server.hasSchema() && !server.canUseSchema()) {
      findings.add(
          Finding.error(
              field,
              "no_privilege",
              "the schema tidemark, which holds the applied position, is not the role's",
              "grant all on schema tidemark to "
                  + server.role()
                  + "; grant all on all tables in schema tidemark to "
                  + server.role()));
    }
    if (!server.canUseTemporary()) {
      findings.add(
          Finding.error(
              field,
              "no_privilege",
              "the role may not create temporary tables, in which copies and merges compare rows",
              "grant temporary on database " + server.database() + " to " + server.role()));
    }
    return findings;
  }

  private static List<Finding> readOnly(String field, PgServer server) {
    if (!server.isReadOnly()) {
      return List.of();
    }
    return List.of(
        Finding.error(
            field,
            "read_only",
            "the database takes no writes: it is a standby, or default_transaction_read_only is on",
            "Use the primary, or switch default_transaction_read_only off for the role"));
  }

  private static List<Finding> version(String field, PgServer server) {
    if (server.versionNumber() >= PgServer.VERSION_MIN) {
      return List.of();
    }
    return List.of(
        Finding.error(
            field,
            "server_version",
            "the server is PostgreSQL " + server.version(),
            "PostgreSQL 15 or later is needed"));
  }
}

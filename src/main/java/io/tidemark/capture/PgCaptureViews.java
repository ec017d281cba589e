package io.tidemark.capture;

import io.tidemark.postgres.Lsn;
import io.tidemark.postgres.PgDatabase;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;

/** Puts together what a capture knows of itself and what its source says of the slot. */
final class PgCaptureViews {
  private static final System.Logger LOG = System.getLogger(PgCaptureViews.class.getName());

  /** A person waits for the view; one of a source that hangs has no figures of it. */
  private static final Duration ANSWER_MAX = Duration.ofSeconds(3);

  private PgCaptureViews() {}

  private record Answer(PgSlot slot, long newestLsn) {}

  static CaptureView of(CaptureLoop loop, Instant now) {
    Optional<WrittenPosition> written = loop.progress().written();
    Optional<Answer> answer = ask(loop.source(), loop.names().slot());
    Instant lastCommit =
        written.map(at -> Instant.EPOCH.plusNanos(at.committedMicros() * 1000)).orElse(null);
    OptionalDouble lagSeconds =
        lastCommit == null
            ? OptionalDouble.empty()
            : OptionalDouble.of(
                Math.max(0, now.toEpochMilli() - lastCommit.toEpochMilli()) / 1000.0);
    OptionalLong lagBytes =
        written.isPresent() && answer.isPresent()
            ? OptionalLong.of(
                Math.max(0, answer.get().newestLsn() - written.get().position().commitLsn()))
            : OptionalLong.empty();
    return new CaptureView(
        loop.names().connection(),
        loop.names().slot(),
        loop.names().publication(),
        loop.state(),
        answer.isPresent()
            ? OptionalLong.of(answer.get().slot().retainedBytes())
            : OptionalLong.empty(),
        answer.map(found -> Lsn.text(found.slot().confirmedLsn())).orElse(null),
        lastCommit,
        loop.progress().changes(),
        lagSeconds,
        lagBytes);
  }

  private static Optional<Answer> ask(PgDatabase source, String slot) {
    try (Connection connection = source.open("capture view", ANSWER_MAX);
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select pg_current_wal_insert_lsn()::text")) {
      row.next();
      long newest = Lsn.parse(row.getString(1));
      return PgSlot.find(connection, slot).map(found -> new Answer(found, newest));
    } catch (SQLException e) {
      // A view of a source that is down is still a view; its state says why.
      LOG.log(System.Logger.Level.DEBUG, "The source could not be asked for its slot.", e);
      return Optional.empty();
    }
  }
}

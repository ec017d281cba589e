package io.tidemark.conflict;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.WireName;
import io.tidemark.postgres.PgFailures;
import io.tidemark.postgres.PgTimes;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/**
 * What people decide about conflicts, in the table {@code sync_conflicts}: first that it is to be
 * done, then that it is.
 */
public final class JdbcDecisions {
  /** Another decision on the same conflict holds it for as long as the target takes to answer. */
  private static final String LOCK_TIMEOUT = "set local lock_timeout = '20s'";

  private static final String INTENT =
      """
      select decision_id, decision, decision_row::text, decision_position, decision_note,
             decided_by
      from sync_conflicts
      where id = :id and decision_id is not null
      """;

  private static final String INTEND =
      """
      update sync_conflicts
      set decision_id = :decision,
          decision = :resolution,
          decision_row = cast(:row as jsonb),
          decision_position = :position,
          decision_note = :note,
          decided_by = :by,
          decided_at = :now
      where id = :id
      """;

  private static final String DROP =
      """
      update sync_conflicts
      set decision_id = null,
          decision = null,
          decision_row = null,
          decision_position = null,
          decision_note = null,
          decided_by = null,
          decided_at = null
      where id = :id and status = 'pending' and decision_id = :decision
      """;

  private static final String REFRESH =
      """
      update sync_conflicts
      set target_row = cast(:target as jsonb)
      where id = :id
      """;

  private static final String RESOLVE =
      """
      update sync_conflicts
      set status = 'resolved',
          resolved_at = :now,
          resolved_by = decided_by,
          resolution = decision,
          note = decision_note
      where id = :id
      """;

  private static final String UNDONE =
      """
      select id
      from sync_conflicts
      where status = 'pending' and decision_id is not null and decided_at < :before
      order by decided_at
      limit :limit
      """;

  private final Jdbi jdbi;
  private final InstantSource clock;

  public JdbcDecisions(Jdbi jdbi, InstantSource clock) {
    this.jdbi = jdbi;
    this.clock = clock;
  }

  /**
   * A decision that is to be carried out.
   *
   * @param row what the target is to hold, as JSON; null: nothing, or what it holds
   * @param position the conflict's source position that the row was made for; null if it has none
   * @param by a role, or {@code api}
   */
  public record Intent(
      UUID id,
      Resolution resolution,
      @Nullable String row,
      @Nullable String position,
      @Nullable String note,
      String by) {}

  /** Does something with a conflict while nobody else can change it; empty if there is none. */
  public <T> Optional<T> holding(UUID conflict, Function<Held, T> work) {
    return store(
        handle -> {
          handle.execute(LOCK_TIMEOUT);
          return JdbcConflicts.lock(handle, conflict)
              .map(found -> work.apply(new Held(handle, found)));
        });
  }

  /** Gives a decision up that was not carried out. */
  public void drop(UUID conflict, UUID decision) {
    store(
        handle ->
            handle.createUpdate(DROP).bind("id", conflict).bind("decision", decision).execute());
  }

  /** Conflicts whose decisions were made before this time and are not known to be carried out. */
  public List<UUID> undone(Instant before, int limit) {
    return store(
        handle ->
            handle
                .createQuery(UNDONE)
                .bind("before", PgTimes.bindable(before))
                .bind("limit", limit)
                .mapTo(UUID.class)
                .list());
  }

  /** A conflict that is locked, within the transaction that locks it. */
  public final class Held {
    private final Handle handle;
    private final Conflict conflict;

    private Held(Handle handle, Conflict conflict) {
      this.handle = handle;
      this.conflict = conflict;
    }

    public Conflict conflict() {
      return conflict;
    }

    /** What was decided about it, carried out or not. */
    public Optional<Intent> intent() {
      return handle
          .createQuery(INTENT)
          .bind("id", conflict.id())
          .map(JdbcDecisions::readIntent)
          .findOne();
    }

    public void intend(Intent intent) {
      handle
          .createUpdate(INTEND)
          .bind("id", conflict.id())
          .bind("decision", intent.id())
          .bind("resolution", WireName.of(intent.resolution()))
          .bind("row", intent.row())
          .bind("position", intent.position())
          .bind("note", intent.note())
          .bind("by", intent.by())
          .bind("now", PgTimes.bindable(clock.instant()))
          .execute();
    }

    /** Takes note of the target's row as it is now. */
    public void refresh(@Nullable String targetRow) {
      handle.createUpdate(REFRESH).bind("id", conflict.id()).bind("target", targetRow).execute();
    }

    /** Gives its decision up. */
    public void drop(Intent intent) {
      handle.createUpdate(DROP).bind("id", conflict.id()).bind("decision", intent.id()).execute();
    }

    /** Its decision is carried out. */
    public void resolve() {
      handle
          .createUpdate(RESOLVE)
          .bind("id", conflict.id())
          .bind("now", PgTimes.bindable(clock.instant()))
          .execute();
    }

    /** The conflict with what was changed here. */
    public Conflict again() {
      return JdbcConflicts.lock(handle, conflict.id()).orElseThrow();
    }
  }

  private static Intent readIntent(ResultSet row, StatementContext context) throws SQLException {
    return new Intent(
        row.getObject("decision_id", UUID.class),
        WireName.read(Resolution.class, row.getString("decision")),
        row.getString("decision_row"),
        row.getString("decision_position"),
        row.getString("decision_note"),
        row.getString("decided_by"));
  }

  private interface Work<T> {
    T with(Handle handle);
  }

  private <T> T store(Work<T> work) {
    try {
      return jdbi.inTransaction(work::with);
    } catch (JdbiException e) {
      SQLException cause =
          e.getCause() instanceof SQLException sql ? sql : new SQLException("no answer", "08006");
      throw PgFailures.of(cause, OperatingFailure.Kind.STORE, "table sync_conflicts");
    }
  }
}

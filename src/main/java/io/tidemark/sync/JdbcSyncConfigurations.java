package io.tidemark.sync;

import io.tidemark.change.WireName;
import io.tidemark.conflict.ConflictDetection;
import io.tidemark.conflict.DetectionChoice;
import io.tidemark.postgres.PgTimes;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.Query;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The table {@code sync_configurations}. */
public final class JdbcSyncConfigurations {
  private static final String COLUMNS =
      "id, definition, version, paused, state, state_reason, created_at, updated_at,"
          + " detection_mode, detection_reason, detection_stronger";

  private static final String INSERT =
      """
      insert into sync_configurations
        (id, definition, version, paused, state, state_reason, created_at, updated_at)
      values
        (:id, cast(:definition as jsonb), 1, false, :state, null, :now, :now)
      on conflict (name) do nothing
      returning
      """
          + COLUMNS;

  // Only if no other configuration has the name, so that a taken name is an answer and not an
  // error; two that race for it still meet at the unique constraint.
  private static final String REPLACE =
      """
      update sync_configurations
      set definition = cast(:definition as jsonb),
          version = version + 1,
          state = :state,
          state_reason = null,
          updated_at = :now
      where id = :id
        and version = :version
      returning
      """
          + COLUMNS;

  private static final String PAUSE =
      """
      update sync_configurations
      set paused = :paused,
          state = :state,
          state_reason = null,
          updated_at = :now
      where id = :id
      returning
      """
          + COLUMNS;

  private static final String UPDATE_STATE =
      """
      update sync_configurations
      set state = :state,
          state_reason = :reason
      where id = :id
        and (state, state_reason) is distinct from (:state, cast(:reason as text))
      """;

  // Not after the definition was replaced or paused: the condition is about the former one.
  private static final String RECORD_CONDITION =
      """
      update sync_configurations
      set state = :state,
          state_reason = :reason
      where id = :id
        and version = :version
        and not paused
        and (state, state_reason) is distinct from (:state, cast(:reason as text))
      """;

  private static final String NOTE_DELETION =
      """
      insert into sync_deletions
        (configuration_id, name, source_connection, target_connection, deleted_at)
      select id, name, source_connection, target_connection, :now
      from sync_configurations
      where id = :id
      on conflict (configuration_id) do nothing
      """;

  private static final String UPDATE_DETECTION =
      """
      update sync_configurations
      set detection_mode = :mode,
          detection_reason = :reason,
          detection_stronger = :stronger
      where id = :id
        and (detection_mode, detection_reason, detection_stronger)
          is distinct from (:mode, :reason, cast(:stronger as text))
      """;

  private final Jdbi jdbi;
  private final InstantSource clock;
  private final Supplier<UUID> ids;

  public JdbcSyncConfigurations(Jdbi jdbi, InstantSource clock, Supplier<UUID> ids) {
    this.jdbi = jdbi;
    this.clock = clock;
    this.ids = ids;
  }

  /** Stores a new one at version 1, or answers empty if its name is taken. */
  public Optional<SyncConfiguration> create(SyncDefinition definition) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(INSERT)
                .bind("id", ids.get())
                .bind("definition", SyncDefinitionJson.writeText(definition))
                .bind("state", WireName.of(definition.stateAtRest()))
                .bind("now", PgTimes.bindable(clock.instant()))
                .map(JdbcSyncConfigurations::read)
                .findOne());
  }

  public Optional<SyncConfiguration> find(UUID id) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery("select " + COLUMNS + " from sync_configurations where id = :id")
                .bind("id", id)
                .map(JdbcSyncConfigurations::read)
                .findOne());
  }

  /** The one of this name. */
  public Optional<SyncConfiguration> findByName(String name) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery("select " + COLUMNS + " from sync_configurations where name = :name")
                .bind("name", name)
                .map(JdbcSyncConfigurations::read)
                .findOne());
  }

  /** All of them, in order of creation. */
  public List<SyncConfiguration> all() {
    return all("true");
  }

  /** All there are, those that are being deleted too. */
  public Set<UUID> ids() {
    return jdbi.withHandle(
        handle -> handle.createQuery("select id from sync_configurations").mapTo(UUID.class).set());
  }

  /**
   * All but those that are being deleted, in order of creation: what is to run, and whose tables
   * are to be captured.
   */
  public List<SyncConfiguration> notDeleting() {
    return all("not deleting");
  }

  private List<SyncConfiguration> all(String condition) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "select "
                        + COLUMNS
                        + " from sync_configurations where "
                        + condition
                        + " order by created_at, id")
                .map(JdbcSyncConfigurations::read)
                .list());
  }

  /** Which configurations are asked for; null for any. */
  public record Filter(
      @Nullable String name, @Nullable Boolean enabled, @Nullable SyncState state) {}

  /** A page in order of creation. */
  public Page<SyncConfiguration> page(Filter filter, PageRequest request) {
    List<String> conditions = new ArrayList<>(List.of("true"));
    if (filter.name() != null) {
      conditions.add("name = :name");
    }
    if (filter.enabled() != null) {
      conditions.add("enabled = :enabled");
    }
    if (filter.state() != null) {
      conditions.add("state = :state");
    }
    request.after().ifPresent(after -> conditions.add("(created_at, id) > (:at, :id)"));
    String sql =
        "select "
            + COLUMNS
            + " from sync_configurations where "
            + String.join(" and ", conditions)
            + " order by created_at, id limit :limit";
    List<SyncConfiguration> rows =
        jdbi.withHandle(
            handle -> {
              Query query = handle.createQuery(sql).bind("limit", request.limit() + 1);
              if (filter.name() != null) {
                query.bind("name", filter.name());
              }
              if (filter.enabled() != null) {
                query.bind("enabled", filter.enabled());
              }
              if (filter.state() != null) {
                query.bind("state", WireName.of(filter.state()));
              }
              request
                  .after()
                  .ifPresent(
                      after ->
                          query.bind("at", PgTimes.bindable(after.at())).bind("id", after.id()));
              return query.map(JdbcSyncConfigurations::read).list();
            });
    return Page.of(rows, request.limit(), row -> new PageCursor(row.createdAt(), row.id()));
  }

  /**
   * Replaces the definition if it is still at {@code version}, or answers empty if it is not, or is
   * gone.
   */
  public Optional<SyncConfiguration> replace(SyncConfiguration current, SyncDefinition definition) {
    SyncState state = current.paused() ? SyncState.PAUSED : definition.stateAtRest();
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(REPLACE)
                .bind("id", current.id())
                .bind("version", current.version())
                .bind("definition", SyncDefinitionJson.writeText(definition))
                .bind("state", WireName.of(definition.enabled() ? state : SyncState.DISABLED))
                .bind("now", PgTimes.bindable(clock.instant()))
                .map(JdbcSyncConfigurations::read)
                .findOne());
  }

  /** Remembers that it is paused, across restarts too; empty if it is gone. */
  public Optional<SyncConfiguration> pause(SyncConfiguration current) {
    SyncState state = current.definition().enabled() ? SyncState.PAUSED : SyncState.DISABLED;
    return updatePaused(current, true, state);
  }

  /** The contrary of {@link #pause}. */
  public Optional<SyncConfiguration> resume(SyncConfiguration current) {
    return updatePaused(current, false, current.definition().stateAtRest());
  }

  private Optional<SyncConfiguration> updatePaused(
      SyncConfiguration current, boolean paused, SyncState state) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(PAUSE)
                .bind("id", current.id())
                .bind("paused", paused)
                .bind("state", WireName.of(state))
                .bind("now", PgTimes.bindable(clock.instant()))
                .map(JdbcSyncConfigurations::read)
                .findOne());
  }

  /**
   * Says how a configuration is doing, unless it was replaced, paused or removed since it was read.
   * Writes only what is new. The version stays.
   */
  public void recordCondition(SyncConfiguration read, SyncState state, @Nullable String reason) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(RECORD_CONDITION)
                .bind("id", read.id())
                .bind("version", read.version())
                .bind("state", WireName.of(state))
                .bind("reason", reason)
                .execute());
  }

  /** Sets the state back to an earlier one; writes only if that is news. The version stays. */
  public void updateState(UUID id, SyncState state, @Nullable String reason) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(UPDATE_STATE)
                .bind("id", id)
                .bind("state", WireName.of(state))
                .bind("reason", reason)
                .execute());
  }

  /** Says how its conflicts are told; writes only if that is news. The version stays. */
  public void updateDetection(UUID id, DetectionChoice choice) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(UPDATE_DETECTION)
                .bind("id", id)
                .bind("mode", WireName.of(choice.mode()))
                .bind("reason", choice.reason())
                .bind("stronger", choice.stronger())
                .execute());
  }

  /**
   * Says that it is being removed, unless orchestrations have it: from then on none takes it.
   *
   * @return the names of those that have it, some of them; empty if it may be removed
   */
  public List<String> beginDeletion(UUID id) {
    return jdbi.inTransaction(
        handle -> {
          // INVARIANT: an orchestration that takes it holds this row until its member is committed,
          // and so does the creation of an execution.
          handle
              .createQuery("select id from sync_configurations where id = :id for update")
              .bind("id", id)
              .mapTo(UUID.class)
              .findOne();
          List<String> orchestrations = orchestrationsOf(handle, id);
          if (orchestrations.isEmpty()) {
            setDeleting(handle, id, true);
          }
          return orchestrations;
        });
  }

  /** Says that it stays after all. */
  public void endDeletion(UUID id) {
    jdbi.useHandle(handle -> setDeleting(handle, id, false));
  }

  private void setDeleting(Handle handle, UUID id, boolean deleting) {
    handle
        .createUpdate(
            """
            update sync_configurations
            set deleting = :deleting,
                deleting_at = case when :deleting then :now end
            where id = :id
            """)
        .bind("id", id)
        .bind("deleting", deleting)
        .bind("now", PgTimes.bindable(clock.instant()))
        .execute();
  }

  /** Those of which the deletion began before, and has not ended: its process died. */
  public List<SyncConfiguration> deletingSinceBefore(Instant before) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "select "
                        + COLUMNS
                        + " from sync_configurations where deleting and deleting_at < :before")
                .bind("before", PgTimes.bindable(before))
                .map(JdbcSyncConfigurations::read)
                .list());
  }

  /**
   * Deletes it with its executions, tracking and conflicts, and notes what it may have left; false
   * if it was not there.
   */
  public boolean delete(UUID id) {
    return jdbi.inTransaction(
        handle -> {
          handle
              .createUpdate(NOTE_DELETION)
              .bind("id", id)
              .bind("now", PgTimes.bindable(clock.instant()))
              .execute();
          return handle
                  .createUpdate("delete from sync_configurations where id = :id")
                  .bind("id", id)
                  .execute()
              == 1;
        });
  }

  /** Whether a configuration that is not being deleted has the table. */
  public boolean isWanted(UUID id, CapturedTable table) {
    return notDeleting().stream()
        .filter(one -> one.id().equals(id))
        .anyMatch(one -> one.definition().captured().contains(table));
  }

  /** A configuration that was deleted. */
  public record Deletion(
      UUID id, String name, String sourceConnection, String targetConnection, Instant at) {}

  /** The configurations that were deleted since, newest first. */
  public List<Deletion> deletedSince(Instant since) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    """
                    select configuration_id, name, source_connection, target_connection, deleted_at
                    from sync_deletions
                    where deleted_at > :since
                    order by deleted_at desc
                    """)
                .bind("since", PgTimes.bindable(since))
                .map(
                    (row, context) ->
                        new Deletion(
                            row.getObject("configuration_id", UUID.class),
                            row.getString("name"),
                            row.getString("source_connection"),
                            row.getString("target_connection"),
                            PgTimes.read(row, "deleted_at")))
                .list());
  }

  /** Forgets deletions of which nothing is left by now. */
  public void forgetDeletionsBefore(Instant before) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate("delete from sync_deletions where deleted_at < :before")
                .bind("before", PgTimes.bindable(before))
                .execute());
  }

  /** Names of the configurations that use a connection, some of them. */
  public List<String> usersOf(String connection) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    """
                    select name
                    from sync_configurations
                    where :connection in (source_connection, target_connection)
                    order by name
                    limit 5
                    """)
                .bind("connection", connection)
                .mapTo(String.class)
                .list());
  }

  private static List<String> orchestrationsOf(Handle handle, UUID id) {
    return handle
        .createQuery(
            """
            select o.name
            from sync_orchestration_members m
            join sync_orchestrations o on o.id = m.orchestration_id
            where m.configuration_id = :id
            order by o.name
            limit 5
            """)
        .bind("id", id)
        .mapTo(String.class)
        .list();
  }

  private static SyncConfiguration read(ResultSet row, StatementContext context)
      throws SQLException {
    return new SyncConfiguration(
        row.getObject("id", UUID.class),
        SyncDefinitionJson.readText(row.getString("definition")),
        row.getLong("version"),
        PgTimes.read(row, "created_at"),
        PgTimes.read(row, "updated_at"),
        row.getBoolean("paused"),
        WireName.read(SyncState.class, row.getString("state")),
        row.getString("state_reason"),
        readDetection(row));
  }

  private static @Nullable DetectionChoice readDetection(ResultSet row) throws SQLException {
    String mode = row.getString("detection_mode");
    return mode == null
        ? null
        : new DetectionChoice(
            WireName.read(ConflictDetection.class, mode),
            row.getString("detection_reason"),
            row.getString("detection_stronger"));
  }
}

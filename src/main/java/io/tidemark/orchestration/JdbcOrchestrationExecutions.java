package io.tidemark.orchestration;

import io.tidemark.change.WireName;
import io.tidemark.postgres.PgTimes;
import io.tidemark.run.ExecutionError;
import io.tidemark.run.ExecutionStatus;
import io.tidemark.run.ExecutionTrigger;
import io.tidemark.sync.Page;
import io.tidemark.sync.PageCursor;
import io.tidemark.sync.PageRequest;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/**
 * The table {@code sync_orchestration_executions}, as one process sees it. One that has not ended
 * belongs to the process that last said so, and to another one after that was silent for long.
 */
public final class JdbcOrchestrationExecutions {
  private static final String SELECT =
      """
      select e.id, e.orchestration_id, e.definition, e.trigger, e.status, e.created_at,
             e.started_at, e.finished_at, e.error_code, e.error_message, e.error_hint,
             e.refused::text, e.cancel_requested
      from sync_orchestration_executions e
      """;

  // The partial unique index says whether another one has not ended.
  private static final String INSERT =
      """
      insert into sync_orchestration_executions
        (id, orchestration_id, definition, trigger, status, created_at, runner, heartbeat_at)
      select :id, :orchestration, cast(:definition as jsonb), :trigger, :status, :created, :runner,
             :created
      where cast(:since as timestamptz) is null
         or not exists (
           select
           from sync_orchestration_executions e
           where e.orchestration_id = :orchestration
             and e.created_at > cast(:since as timestamptz))
      on conflict (orchestration_id) where status in ('pending', 'running') do nothing
      """;

  private static final String PAGE =
      SELECT
          + """
          where e.orchestration_id = :orchestration
            and (cast(:at as timestamptz) is null
              or (e.created_at, e.id) < (cast(:at as timestamptz), cast(:after as uuid)))
          order by e.created_at desc, e.id desc
          limit :limit
          """;

  private static final String LAST =
      SELECT
          + """
          join (
            select distinct on (orchestration_id) id
            from sync_orchestration_executions
            where orchestration_id in (<ids>)
            order by orchestration_id, created_at desc, id desc) l on l.id = e.id
          """;

  private static final String BEAT =
      """
      update sync_orchestration_executions
      set status = 'running',
          started_at = coalesce(started_at, :now),
          heartbeat_at = :now
      where id = :id
        and runner = :runner
        and status in ('pending', 'running')
      returning cancel_requested
      """;

  private static final String TAKE_OVER =
      """
      with taken as (
        update sync_orchestration_executions
        set runner = :runner,
            heartbeat_at = :now
        where status in ('pending', 'running')
          and heartbeat_at < :before
        returning id)
      """
          + SELECT
          + "join taken on taken.id = e.id order by e.created_at, e.id";

  private static final String REFUSE =
      """
      update sync_orchestration_executions
      set refused = refused || jsonb_build_object(cast(:configuration as text), :reason)
      where id = :id
        and runner = :runner
      """;

  private static final String RELEASE =
      """
      update sync_orchestration_executions
      set heartbeat_at = '-infinity'
      where id = :id
        and runner = :runner
        and status in ('pending', 'running')
      """;

  private static final String FINISH =
      """
      update sync_orchestration_executions
      set status = :status,
          finished_at = :now,
          error_code = :code,
          error_message = :message,
          error_hint = :hint
      where id = :id
        and runner = :runner
        and status in ('pending', 'running')
      """;

  private static final String REQUEST_CANCEL =
      """
      update sync_orchestration_executions
      set cancel_requested = true
      where id = :id
        and status in ('pending', 'running')
      """;

  // The newest one says when the next one is due.
  private static final String DELETE_EXPIRED =
      """
      delete from sync_orchestration_executions
      where id in (
        select e.id
        from sync_orchestration_executions e
        where e.finished_at < :before
          and exists (
            select
            from sync_orchestration_executions later
            where later.orchestration_id = e.orchestration_id
              and later.created_at > e.created_at)
        limit :limit)
      """;

  private final Jdbi jdbi;
  private final InstantSource clock;
  private final Duration retention;
  private final UUID runner;

  /**
   * @param retention how long an execution that has ended is kept
   * @param runner this process
   */
  public JdbcOrchestrationExecutions(
      Jdbi jdbi, InstantSource clock, Duration retention, UUID runner) {
    this.jdbi = jdbi;
    this.clock = clock;
    this.retention = retention;
    this.runner = runner;
  }

  /** Stores a pending execution of this process; false if another one has not ended. */
  boolean createUnlessActive(OrchestrationExecution execution) {
    return insert(execution, null);
  }

  /**
   * Likewise, unless another process has done so for the same tick.
   *
   * @param every the time between two of them
   */
  boolean createIfDue(OrchestrationExecution execution, Duration every) {
    return insert(execution, execution.createdAt().minus(every));
  }

  private boolean insert(OrchestrationExecution execution, @Nullable Instant since) {
    return jdbi.withHandle(
        handle ->
            handle
                    .createUpdate(INSERT)
                    .bind("id", execution.id())
                    .bind("orchestration", execution.orchestrationId())
                    .bind("definition", OrchestrationJson.writeText(execution.definition()))
                    .bind("trigger", WireName.of(execution.trigger()))
                    .bind("status", WireName.of(execution.status()))
                    .bind("created", PgTimes.bindable(execution.createdAt()))
                    .bind("runner", runner)
                    .bindByType(
                        "since",
                        since == null ? null : PgTimes.bindable(since),
                        OffsetDateTime.class)
                    .execute()
                == 1);
  }

  Optional<OrchestrationExecution> find(UUID id) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(SELECT + "where e.id = :id")
                .bind("id", id)
                .map(JdbcOrchestrationExecutions::read)
                .findOne());
  }

  /** The execution of an orchestration that has not ended. */
  Optional<OrchestrationExecution> activeOf(UUID orchestration) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    SELECT
                        + "where e.orchestration_id = :orchestration"
                        + " and e.status in ('pending', 'running')")
                .bind("orchestration", orchestration)
                .map(JdbcOrchestrationExecutions::read)
                .findOne());
  }

  /** A page of an orchestration's executions, newest first. */
  Page<OrchestrationExecution> page(UUID orchestration, PageRequest request) {
    PageCursor after = request.after().orElse(null);
    List<OrchestrationExecution> rows =
        jdbi.withHandle(
            handle ->
                handle
                    .createQuery(PAGE)
                    .bind("orchestration", orchestration)
                    .bindByType(
                        "at",
                        after == null ? null : PgTimes.bindable(after.at()),
                        OffsetDateTime.class)
                    .bind("after", after == null ? null : after.id())
                    .bind("limit", request.limit() + 1)
                    .map(JdbcOrchestrationExecutions::read)
                    .list());
    return Page.of(rows, request.limit(), row -> new PageCursor(row.createdAt(), row.id()));
  }

  /** The newest execution of each of these orchestrations that has one. */
  Map<UUID, OrchestrationExecution> lastOf(Collection<UUID> orchestrations) {
    if (orchestrations.isEmpty()) {
      return Map.of();
    }
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(LAST)
                .bindList("ids", List.copyOf(orchestrations))
                .map(JdbcOrchestrationExecutions::read)
                .stream()
                .collect(
                    Collectors.toMap(
                        OrchestrationExecution::orchestrationId, Function.identity())));
  }

  /** What a process learns when it says that it runs an execution. */
  enum Beat {
    GO_ON,
    /** A person asked to end it early. */
    CANCEL,
    /** It has ended, or another process runs it. */
    LOST
  }

  /** Says that this process runs it. */
  Beat beat(UUID id) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(BEAT)
                .bind("id", id)
                .bind("runner", runner)
                .bind("now", PgTimes.bindable(clock.instant()))
                .mapTo(Boolean.class)
                .findOne()
                .map(cancel -> cancel ? Beat.CANCEL : Beat.GO_ON)
                .orElse(Beat.LOST));
  }

  /** Makes this process the runner of those of which nothing was heard since. */
  List<OrchestrationExecution> takeOver(Instant before) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(TAKE_OVER)
                .bind("runner", runner)
                .bind("now", PgTimes.bindable(clock.instant()))
                .bind("before", PgTimes.bindable(before))
                .map(JdbcOrchestrationExecutions::read)
                .list());
  }

  /** Lets another process take it over at once. */
  void release(UUID id) {
    jdbi.useHandle(
        handle -> handle.createUpdate(RELEASE).bind("id", id).bind("runner", runner).execute());
  }

  /** Puts on record that a configuration could not be asked to run. */
  void refuse(UUID id, UUID configuration, String reason) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(REFUSE)
                .bind("id", id)
                .bind("runner", runner)
                .bind("configuration", configuration)
                .bind("reason", reason)
                .execute());
  }

  /** Ends it, once; false if it had ended already, or another process runs it. */
  boolean finish(UUID id, ExecutionStatus status, @Nullable ExecutionError error) {
    return jdbi.withHandle(
        handle ->
            handle
                    .createUpdate(FINISH)
                    .bind("id", id)
                    .bind("runner", runner)
                    .bind("status", WireName.of(status))
                    .bind("code", error == null ? null : error.code())
                    .bind("message", error == null ? null : error.message())
                    .bind("hint", error == null ? null : error.hint())
                    .bind("now", PgTimes.bindable(clock.instant()))
                    .execute()
                == 1);
  }

  /** Asks that it ends early; false if it had ended already. */
  boolean requestCancel(UUID id) {
    return jdbi.withHandle(
        handle -> handle.createUpdate(REQUEST_CANCEL).bind("id", id).execute() == 1);
  }

  /**
   * Deletes executions that ended long ago; each orchestration's newest one stays.
   *
   * @return how many, no more than the limit
   */
  int deleteExpired(int limit) {
    return jdbi.withHandle(
        handle ->
            handle
                .createUpdate(DELETE_EXPIRED)
                .bind("before", PgTimes.bindable(clock.instant().minus(retention)))
                .bind("limit", limit)
                .execute());
  }

  private static OrchestrationExecution read(ResultSet row, StatementContext context)
      throws SQLException {
    String code = row.getString("error_code");
    return new OrchestrationExecution(
        row.getObject("id", UUID.class),
        row.getObject("orchestration_id", UUID.class),
        OrchestrationJson.readText(row.getString("definition")),
        WireName.read(ExecutionTrigger.class, row.getString("trigger")),
        WireName.read(ExecutionStatus.class, row.getString("status")),
        PgTimes.read(row, "created_at"),
        PgTimes.readNullable(row, "started_at"),
        PgTimes.readNullable(row, "finished_at"),
        code == null
            ? null
            : new ExecutionError(code, row.getString("error_message"), row.getString("error_hint")),
        OrchestrationJson.readReasons(row.getString("refused")),
        row.getBoolean("cancel_requested"));
  }
}

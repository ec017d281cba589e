package io.tidemark.run;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.WireName;
import io.tidemark.postgres.Lsn;
import io.tidemark.postgres.PgTimes;
import io.tidemark.sync.Page;
import io.tidemark.sync.PageCursor;
import io.tidemark.sync.PageRequest;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.Query;
import org.jspecify.annotations.Nullable;

/** The table {@code sync_executions}. */
public final class JdbcExecutions {
  /** The other execution may end just before it is looked at; more often than once is no chance. */
  private static final int CREATE_ATTEMPTS_MAX = 5;

  private final Jdbi jdbi;
  private final InstantSource clock;
  private final Duration retention;

  /**
   * @param retention how long an execution that has ended is kept
   */
  public JdbcExecutions(Jdbi jdbi, InstantSource clock, Duration retention) {
    if (retention.isNegative() || retention.isZero()) {
      throw new IllegalArgumentException("tidemark.executions.retention is longer than nothing");
    }
    this.jdbi = jdbi;
    this.clock = clock;
    this.retention = retention;
  }

  /**
   * Stores a pending execution, unless another one of its configuration has not ended.
   *
   * @return that other one, or empty if this one was stored
   * @throws OperatingFailure if the configuration was deleted, or is about to be
   */
  public Optional<Execution> createUnlessActive(Execution execution) {
    for (int attempt = 0; attempt < CREATE_ATTEMPTS_MAX; attempt++) {
      if (insert(execution, null)) {
        return Optional.empty();
      }
      Optional<Execution> active = activeOf(execution.configurationId());
      if (active.isPresent()) {
        return active;
      }
    }
    throw new OperatingFailure(
        OperatingFailure.Kind.USER,
        "configuration_deleted",
        "configuration " + execution.configurationId() + " is being deleted",
        null,
        null);
  }

  /**
   * Stores a pending execution that is due, unless another instance has done so, or another one of
   * its configuration has not ended.
   *
   * @param every the time between two of them
   */
  public boolean createIfDue(Execution execution, Duration every) {
    return insert(execution, execution.createdAt().minus(every));
  }

  /**
   * @param since none may have been asked for after this, comparisons aside; null if that does not
   *     matter
   */
  private boolean insert(Execution execution, @Nullable Instant since) {
    return jdbi.withHandle(
        handle ->
            handle
                    .createUpdate(JdbcExecutionSql.INSERT)
                    .bind("id", execution.id())
                    .bind("configuration", execution.configurationId())
                    .bind("parent", execution.parentId())
                    .bind("mode", WireName.of(execution.mode()))
                    .bind("trigger", WireName.of(execution.trigger()))
                    .bind("status", WireName.of(execution.status()))
                    .bind("created", PgTimes.bindable(execution.createdAt()))
                    .bind("repair", execution.repair())
                    .bindByType(
                        "since",
                        since == null ? null : PgTimes.bindable(since),
                        OffsetDateTime.class)
                    .execute()
                == 1);
  }

  /** The execution of a configuration that has not ended; streams do not count. */
  public Optional<Execution> activeOf(UUID configurationId) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(JdbcExecutionSql.ACTIVE)
                .bind("configuration", configurationId)
                .map(JdbcExecutionRows::read)
                .findOne());
  }

  public Optional<Execution> find(UUID id) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(JdbcExecutionRows.SELECT + "where e.id = :id")
                .bind("id", id)
                .map(JdbcExecutionRows::read)
                .findOne());
  }

  /** Which executions are asked for; null for any. */
  public record Filter(
      @Nullable UUID configurationId,
      @Nullable ExecutionStatus status,
      @Nullable ExecutionMode mode) {}

  /** A page, newest first. */
  public Page<Execution> page(Filter filter, PageRequest request) {
    PageCursor after = request.after().orElse(null);
    List<Execution> rows =
        jdbi.withHandle(
            handle ->
                handle
                    .createQuery(JdbcExecutionSql.PAGE)
                    .bind("configuration", filter.configurationId())
                    .bind("status", filter.status() == null ? null : WireName.of(filter.status()))
                    .bind("mode", filter.mode() == null ? null : WireName.of(filter.mode()))
                    .bindByType(
                        "at",
                        after == null ? null : PgTimes.bindable(after.at()),
                        OffsetDateTime.class)
                    .bind("after", after == null ? null : after.id())
                    .bind("limit", request.limit() + 1)
                    .map(JdbcExecutionRows::read)
                    .list());
    return Page.of(rows, request.limit(), row -> new PageCursor(row.createdAt(), row.id()));
  }

  /** The newest execution of each of these configurations that has one. */
  public Map<UUID, Execution> lastOf(Collection<UUID> configurationIds) {
    return lastOf(configurationIds, true);
  }

  /** Likewise, of those that were to write the target. */
  public Map<UUID, Execution> lastSyncsOf(Collection<UUID> configurationIds) {
    return lastOf(configurationIds, false);
  }

  /** The newest one of a configuration that was to write its target. */
  public Optional<Execution> lastSyncOf(UUID configurationId) {
    return Optional.ofNullable(lastSyncsOf(List.of(configurationId)).get(configurationId));
  }

  /** The newest completed verifications, of those that no full copy has followed. */
  Map<UUID, Execution> lastVerificationsOf(Collection<UUID> configurationIds) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(JdbcExecutionSql.LAST_VERIFICATIONS)
                .bindArray("ids", UUID.class, List.copyOf(configurationIds))
                .map(JdbcExecutionRows::read)
                .stream()
                .collect(Collectors.toMap(Execution::configurationId, Function.identity())));
  }

  private Map<UUID, Execution> lastOf(Collection<UUID> configurationIds, boolean verifications) {
    if (configurationIds.isEmpty()) {
      return Map.of();
    }
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(JdbcExecutionSql.LAST)
                .bindArray("ids", UUID.class, List.copyOf(configurationIds))
                .bind("verifications", verifications)
                .map(JdbcExecutionRows::read)
                .stream()
                .collect(Collectors.toMap(Execution::configurationId, Function.identity())));
  }

  /** Says that it runs now; false if it has ended or is to be cancelled. */
  public boolean start(UUID id) {
    return jdbi.withHandle(
        handle ->
            handle
                    .createUpdate(JdbcExecutionSql.START)
                    .bind("id", id)
                    .bind("now", PgTimes.bindable(clock.instant()))
                    .execute()
                == 1);
  }

  /**
   * Writes how far it is, and that its process lives. For every few seconds, not every batch.
   *
   * @return whether it should go on: false once a person asked to cancel it, or if it has ended
   */
  public boolean report(UUID id, ExecutionCounts counts, ExecutionProgress progress) {
    return jdbi.withHandle(
        handle ->
            bind(handle.createQuery(JdbcExecutionSql.PROGRESS), counts)
                .bind("id", id)
                .bind("phase", progress.phase())
                .bind("percent", progress.percent())
                .bind("rows_per_second", progress.rowsPerSecond())
                .bind("eta_seconds", progress.etaSeconds())
                .bind("now", PgTimes.bindable(clock.instant()))
                .mapTo(Boolean.class)
                .findOne()
                .map(cancelRequested -> !cancelRequested)
                .orElse(false));
  }

  private static Query bind(Query query, ExecutionCounts counts) {
    return query
        .bind("rows_read", counts.rowsRead())
        .bind("rows_inserted", counts.rowsInserted())
        .bind("rows_updated", counts.rowsUpdated())
        .bind("rows_deleted", counts.rowsDeleted())
        .bind("rows_unchanged", counts.rowsUnchanged())
        .bind("rows_skipped", counts.rowsSkipped())
        .bind("conflicts_detected", counts.conflictsDetected())
        .bind("conflicts_resolved", counts.conflictsResolved())
        .bind("batches", counts.batches())
        .bind("bytes", counts.bytes());
  }

  /** Remembers positions of the source; null leaves what is known. */
  public void recordPositions(UUID id, @Nullable Long start, @Nullable Long end) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(JdbcExecutionSql.POSITIONS)
                .bind("id", id)
                .bind("start", start == null ? null : Lsn.text(start))
                .bind("end", end == null ? null : Lsn.text(end))
                .execute());
  }

  /** Keeps what a verification has found. */
  public void recordVerification(UUID id, VerificationResult result) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(
                    "update sync_executions set verification = cast(:found as jsonb) where id = :id")
                .bind("id", id)
                .bind("found", VerificationJson.write(result))
                .execute());
  }

  public boolean complete(UUID id) {
    return finish(id, ExecutionStatus.COMPLETED, null);
  }

  public boolean fail(UUID id, ExecutionError error) {
    return finish(id, ExecutionStatus.FAILED, error);
  }

  public boolean cancelled(UUID id) {
    return finish(id, ExecutionStatus.CANCELLED, null);
  }

  /** Ends it, once; false if it had ended already. */
  private boolean finish(UUID id, ExecutionStatus status, @Nullable ExecutionError error) {
    return jdbi.withHandle(
        handle ->
            handle
                    .createUpdate(JdbcExecutionSql.FINISH)
                    .bind("id", id)
                    .bind("status", WireName.of(status))
                    .bind("code", error == null ? null : error.code())
                    .bind("message", error == null ? null : error.message())
                    .bind("hint", error == null ? null : error.hint())
                    .bind("now", PgTimes.bindable(clock.instant()))
                    .execute()
                == 1);
  }

  /** Whether a person has asked that it ends early. */
  boolean isCancelRequested(UUID id) {
    return find(id).filter(Execution::cancelRequested).isPresent();
  }

  /** Asks that it ends early; a pending one has ended with that. False if it had ended already. */
  public boolean requestCancel(UUID id) {
    return jdbi.withHandle(
        handle ->
            handle
                    .createUpdate(JdbcExecutionSql.REQUEST_CANCEL)
                    .bind("id", id)
                    .bind("now", PgTimes.bindable(clock.instant()))
                    .execute()
                == 1);
  }

  /**
   * Deletes executions that ended long ago; each configuration's newest ones stay, since they say
   * when the next one is due.
   *
   * @return how many, no more than the limit
   */
  public int deleteExpired(int limit) {
    return jdbi.withHandle(
        handle ->
            handle
                .createUpdate(JdbcExecutionSql.DELETE_EXPIRED)
                .bind("before", PgTimes.bindable(clock.instant().minus(retention)))
                .bind("limit", limit)
                .execute());
  }

  /** The executions that orchestrations' executions have asked for, by these, oldest first. */
  public Map<UUID, List<Execution>> childrenOf(Collection<UUID> parents) {
    if (parents.isEmpty()) {
      return Map.of();
    }
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(JdbcExecutionSql.CHILDREN)
                .bindList("parents", List.copyOf(parents))
                .map(JdbcExecutionRows::read)
                .stream()
                .collect(Collectors.groupingBy(child -> Objects.requireNonNull(child.parentId()))));
  }

  /** Executions that have not ended and of which nothing was heard since: they were interrupted. */
  public List<Execution> silentSince(Instant before) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(JdbcExecutionSql.SILENT_SINCE)
                .bind("before", PgTimes.bindable(before))
                .map(JdbcExecutionRows::read)
                .list());
  }
}

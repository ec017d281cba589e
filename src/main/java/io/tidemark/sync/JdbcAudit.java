package io.tidemark.sync;

import io.tidemark.postgres.PgTimes;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The table {@code sync_audit}: who changed what. */
public final class JdbcAudit {
  // What is old enough goes with what is new: the table needs nobody else to look after it.
  private static final String ADD =
      """
      with expired as (
        delete from sync_audit
        where id in (
          select id
          from sync_audit
          where at < :before
          order by at
          limit 100
          for update skip locked))
      insert into sync_audit (id, at, actor, action, subject, document)
      values (:id, :at, :actor, :action, :subject, :document)
      """;

  // A parameter that is null does not filter.
  private static final String PAGE =
      """
      select id, at, actor, action, subject, document
      from sync_audit
      where (cast(:actor as text) is null or actor = :actor)
        and (cast(:subject as text) is null or subject = :subject)
        and (cast(:from as timestamptz) is null
          or (at, id) < (cast(:from as timestamptz), cast(:after as uuid)))
      order by at desc, id desc
      limit :limit
      """;

  private final Jdbi jdbi;
  private final InstantSource clock;
  private final Supplier<UUID> ids;
  private final Duration retention;

  /**
   * @param retention how long an entry is kept at least
   */
  public JdbcAudit(Jdbi jdbi, InstantSource clock, Supplier<UUID> ids, Duration retention) {
    this.jdbi = jdbi;
    this.clock = clock;
    this.ids = ids;
    this.retention = retention;
  }

  /** Puts a change on record; see {@link AuditEntry}. */
  public void add(String actor, String action, String subject, @Nullable String document) {
    Instant now = clock.instant();
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(ADD)
                .bind("before", PgTimes.bindable(now.minus(retention)))
                .bind("id", ids.get())
                .bind("at", PgTimes.bindable(now))
                .bind("actor", actor)
                .bind("action", action)
                .bind("subject", subject)
                .bind("document", document)
                .execute());
  }

  /**
   * A page, newest first.
   *
   * @param actor exactly this one; null for any
   * @param subject likewise
   */
  public Page<AuditEntry> page(
      @Nullable String actor, @Nullable String subject, PageRequest request) {
    PageCursor after = request.after().orElse(null);
    List<AuditEntry> rows =
        jdbi.withHandle(
            handle ->
                handle
                    .createQuery(PAGE)
                    .bind("actor", actor)
                    .bind("subject", subject)
                    .bindByType(
                        "from",
                        after == null ? null : PgTimes.bindable(after.at()),
                        OffsetDateTime.class)
                    .bind("after", after == null ? null : after.id())
                    .bind("limit", request.limit() + 1)
                    .map(JdbcAudit::read)
                    .list());
    return Page.of(rows, request.limit(), row -> new PageCursor(row.at(), row.id()));
  }

  private static AuditEntry read(ResultSet row, StatementContext context) throws SQLException {
    return new AuditEntry(
        row.getObject("id", UUID.class),
        PgTimes.read(row, "at"),
        row.getString("actor"),
        row.getString("action"),
        row.getString("subject"),
        row.getString("document"));
  }
}

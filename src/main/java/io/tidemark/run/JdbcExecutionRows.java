package io.tidemark.run;

import io.tidemark.change.WireName;
import io.tidemark.postgres.Lsn;
import io.tidemark.postgres.PgTimes;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.UUID;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** Reads rows of {@code sync_executions}. */
final class JdbcExecutionRows {
  /** The table's alias is {@code e}; conditions follow. */
  static final String SELECT =
      """
      select e.id, e.configuration_id, e.parent_id, e.mode, e.trigger, e.status, e.created_at, e.started_at,
             e.finished_at, e.rows_read, e.rows_inserted, e.rows_updated, e.rows_deleted,
             e.rows_unchanged, e.rows_skipped, e.conflicts_detected, e.conflicts_resolved,
             e.batches, e.bytes, e.source_lsn_start::text, e.source_lsn_end::text, e.phase,
             e.percent, e.rows_per_second, e.eta_seconds, e.error_code, e.error_message,
             e.error_hint, e.cancel_requested, e.repair, e.verification::text
      from sync_executions e
      """;

  private JdbcExecutionRows() {}

  static Execution read(ResultSet row, StatementContext context) throws SQLException {
    return new Execution(
        row.getObject("id", UUID.class),
        row.getObject("configuration_id", UUID.class),
        row.getObject("parent_id", UUID.class),
        WireName.read(ExecutionMode.class, row.getString("mode")),
        WireName.read(ExecutionTrigger.class, row.getString("trigger")),
        WireName.read(ExecutionStatus.class, row.getString("status")),
        PgTimes.read(row, "created_at"),
        PgTimes.readNullable(row, "started_at"),
        PgTimes.readNullable(row, "finished_at"),
        counts(row),
        lsn(row.getString("source_lsn_start")),
        lsn(row.getString("source_lsn_end")),
        progress(row),
        error(row),
        row.getBoolean("cancel_requested"),
        row.getBoolean("repair"),
        verification(row.getString("verification")));
  }

  private static @Nullable VerificationResult verification(@Nullable String document) {
    return document == null ? null : VerificationJson.read(document);
  }

  private static ExecutionCounts counts(ResultSet row) throws SQLException {
    return new ExecutionCounts(
        row.getLong("rows_read"),
        row.getLong("rows_inserted"),
        row.getLong("rows_updated"),
        row.getLong("rows_deleted"),
        row.getLong("rows_unchanged"),
        row.getLong("rows_skipped"),
        row.getLong("conflicts_detected"),
        row.getLong("conflicts_resolved"),
        row.getLong("batches"),
        row.getLong("bytes"));
  }

  private static @Nullable ExecutionProgress progress(ResultSet row) throws SQLException {
    String phase = row.getString("phase");
    return phase == null
        ? null
        : new ExecutionProgress(
            phase,
            row.getObject("percent", Double.class),
            row.getObject("rows_per_second", Double.class),
            row.getObject("eta_seconds", Long.class));
  }

  private static @Nullable ExecutionError error(ResultSet row) throws SQLException {
    String code = row.getString("error_code");
    return code == null
        ? null
        : new ExecutionError(code, row.getString("error_message"), row.getString("error_hint"));
  }

  private static @Nullable Long lsn(@Nullable String text) {
    return text == null ? null : Lsn.parse(text);
  }
}

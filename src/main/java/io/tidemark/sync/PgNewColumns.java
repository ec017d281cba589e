package io.tidemark.sync;

import static java.util.stream.Collectors.joining;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.change.TableSchema;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.PgCatalog;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgFailures;
import io.tidemark.postgres.Sql;
import io.tidemark.postgres.TableShape;
import io.tidemark.postgres.TextForm;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Gives a target table the columns that its source table has got: name, type, and the value that
 * the source gave to the rows that were there. Constraints, other defaults and indexes stay the
 * user's.
 */
public final class PgNewColumns {
  /**
   * What the source's rows from before a column have in it: PostgreSQL keeps a constant default
   * beside the table, and computes any other for each row, which the log does not tell.
   */
  private static final String MISSING =
      """
      select a.atthasmissing, a.atthasdef or a.attidentity <> '',
             case when a.atthasmissing then (a.attmissingval::text::%s[])[1]::text end
      from pg_catalog.pg_attribute a
      join pg_catalog.pg_class c on c.oid = a.attrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ? and c.relname = ? and a.attname = ? and not a.attisdropped
      """;

  private final SyncDefinition definition;
  private final PgDatabase source;

  public PgNewColumns(SyncDefinition definition, PgDatabase source) {
    this.definition = definition;
    this.source = source;
  }

  /**
   * Adds the columns of changes to come, and commits.
   *
   * @param session on the target, at the beginning of a transaction
   * @throws OperatingFailure if the source's rows from before have values that only a copy can
   *     bring
   */
  void add(List<TableSchema.Column> columns, Connection session) throws SQLException {
    List<String> additions = new ArrayList<>();
    try (Connection asked = source.open("new columns")) {
      fixTextForm(asked);
      for (TableSchema.Column column : columns) {
        // The default stays: rows from before may still come in another partition.
        additions.add(
            "add column if not exists %s %s%s"
                .formatted(
                    Sql.name(target(column.name())),
                    column.type(),
                    missing(asked, column)
                        .map(value -> " default " + Sql.literal(value))
                        .orElse("")));
      }
    } catch (SQLException e) {
      throw PgFailures.of(e, OperatingFailure.Kind.SOURCE, "table " + definition.source());
    }
    alter(session, additions);
    session.commit();
  }

  private String target(String column) {
    return definition.columns().targetOf(column).orElseThrow();
  }

  /** The value of the rows from before; empty for null. */
  private Optional<String> missing(Connection session, TableSchema.Column column)
      throws SQLException {
    TableName table = definition.source();
    try (PreparedStatement statement = session.prepareStatement(MISSING.formatted(column.type()))) {
      statement.setString(1, table.schema());
      statement.setString(2, table.table());
      statement.setString(3, column.name());
      try (ResultSet row = statement.executeQuery()) {
        // One that is gone by now has lost its values; what the log has of it still comes.
        if (!row.next() || !row.getBoolean(1) && !row.getBoolean(2)) {
          return Optional.empty();
        }
        if (!row.getBoolean(1)) {
          throw valuesUnknown(column.name());
        }
        return Optional.ofNullable(row.getString(3));
      }
    }
  }

  private OperatingFailure valuesUnknown(String column) {
    return new OperatingFailure(
        OperatingFailure.Kind.SOURCE,
        "column_values_unknown",
        "column '%s' was added to %s, and rows that were there may have values of their own in it"
            .formatted(column, definition.source()),
        "run a full sync of this configuration (execute with mode full): it adds the column and"
            + " brings its values",
        null);
  }

  /** Adds what the source has and the target lacks, before a copy that brings all values. */
  public void addBeforeCopy(PgDatabase target) {
    try (Connection from = source.open("new columns");
        Connection to = target.open("new columns")) {
      Optional<TableShape> here = PgCatalog.shapeOf(from, definition.source());
      Optional<TableShape> there = PgCatalog.shapeOf(to, definition.target());
      if (here.isEmpty() || there.isEmpty()) {
        // The copy's own inspection says so.
        return;
      }
      List<String> additions =
          here.get().columns().stream()
              .filter(ColumnShape::isWritable)
              .filter(column -> isLackedBy(there.get(), column.name()))
              .map(
                  column ->
                      "add column if not exists %s %s"
                          .formatted(Sql.name(target(column.name())), column.type()))
              .toList();
      if (!additions.isEmpty()) {
        to.setAutoCommit(false);
        alter(to, additions);
        to.commit();
      }
    } catch (SQLException e) {
      throw PgFailures.of(e, OperatingFailure.Kind.TARGET, "table " + definition.target());
    }
  }

  /** Whether a source column is kept in step and has no column in the target. */
  boolean isLackedBy(TableShape target, String sourceColumn) {
    return definition
        .columns()
        .targetOf(sourceColumn)
        .filter(name -> target.column(name).isEmpty())
        .isPresent();
  }

  private void alter(Connection session, List<String> actions) throws SQLException {
    fixTextForm(session);
    try (Statement statement = session.createStatement()) {
      statement.execute(
          "alter table %s %s"
              .formatted(Sql.name(definition.target()), actions.stream().collect(joining(", "))));
    }
  }

  private static void fixTextForm(Connection session) throws SQLException {
    try (Statement statement = session.createStatement()) {
      statement.execute(TextForm.SETTINGS);
    }
  }
}

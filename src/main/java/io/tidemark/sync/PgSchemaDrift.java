package io.tidemark.sync;

import static java.util.stream.Collectors.joining;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.TableSchema;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.ColumnShape.Generation;
import io.tidemark.postgres.ColumnShape.Nullability;
import io.tidemark.postgres.PgCatalog;
import io.tidemark.postgres.TableShape;
import io.tidemark.sync.JdbcMappings.Last;
import io.tidemark.sync.TableMapping.Pair;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Lays one configuration over its source table as changes have it and its target table as it is
 * now, and notices what has changed since the target was last written.
 *
 * <p>INVARIANT: a column that was kept in step is kept in step, or nothing is written until a
 * person has said what becomes of it: an absent value would else be taken for one that did not
 * change.
 */
public final class PgSchemaDrift {
  private static final char IDENTITY_INDEX = 'i';

  private final SyncConfiguration configuration;
  private final SyncDefinition definition;
  private final JdbcMappings mappings;
  private final PgNewColumns newColumns;

  public PgSchemaDrift(
      SyncConfiguration configuration, JdbcMappings mappings, PgNewColumns newColumns) {
    this.configuration = configuration;
    this.definition = configuration.definition();
    this.mappings = mappings;
    this.newColumns = newColumns;
  }

  /**
   * The mapping for changes made under a schema; it is kept as the last one.
   *
   * @param position of the first of the changes
   * @param planned the mapping as the catalogs had it
   * @param session on the target
   * @throws OperatingFailure if a column, its type or the key has changed and the target has not
   */
  public TableMapping mapping(
      TableSchema schema, SourcePosition position, TableMapping planned, Connection session)
      throws SQLException {
    Optional<Last> last = mappings.last(configuration).filter(this::isOfTheseTables);
    TableShape known = last.map(Last::mapping).orElse(planned).source();
    TableShape here = sourceAt(schema, known);
    TableShape there = targetNow(session);
    // A table's schema changes while nobody writes to it: so of two versions all changes of the one
    // come before all of the other. Partitions are read side by side, and one may be behind.
    boolean isOlder = last.isPresent() && last.get().position().isAfter(position);
    if (isOlder) {
      if (last.get().schema() != null) {
        requireNoneRenamed(schema, last.get().schema(), there);
      }
      return planned(here, there);
    }
    if (last.isPresent() && last.get().schema() != null) {
      requireKept(last.get(), schema, there, session);
    }
    if (addColumns(schema, known, there, session)) {
      there = targetNow(session);
    }
    TableMapping mapping = planned(here, there);
    mappings.used(configuration, mapping, schema, position);
    return mapping;
  }

  private TableMapping planned(TableShape here, TableShape there) {
    MappingPlan plan = new MappingPlan(definition, here, there);
    return plan.mapping().orElseThrow(() -> refused(plan.findings()));
  }

  private TableShape targetNow(Connection session) throws SQLException {
    return PgCatalog.shapeOf(session, definition.target())
        .orElseThrow(
            () ->
                failure(
                    OperatingFailure.Kind.TARGET,
                    "target_table_gone",
                    "the target has no table " + definition.target() + " any more",
                    "create it and run a full sync (execute with mode full)"));
  }

  /** Adds the columns that are new to the source, if the user asked for it. */
  private boolean addColumns(
      TableSchema schema, TableShape known, TableShape there, Connection session)
      throws SQLException {
    if (definition.schemaEvolution() != SchemaEvolution.ADD_COLUMNS) {
      return false;
    }
    List<TableSchema.Column> added =
        schema.columns().stream()
            .filter(column -> known.column(column.name()).isEmpty())
            .filter(column -> newColumns.isLackedBy(there, column.name()))
            .toList();
    if (!added.isEmpty()) {
      newColumns.add(added, session);
    }
    return !added.isEmpty();
  }

  private boolean isOfTheseTables(Last last) {
    return last.mapping().source().name().equals(definition.source())
        && last.mapping().target().name().equals(definition.target());
  }

  /** The source table as the schema has it; what the log does not tell is as it last was. */
  private static TableShape sourceAt(TableSchema schema, TableShape known) {
    List<ColumnShape> columns = new ArrayList<>();
    for (TableSchema.Column column : schema.columns()) {
      columns.add(
          new ColumnShape(
              column.name(),
              column.type(),
              column.castType(),
              column.typeOid(),
              known.column(column.name()).map(ColumnShape::nullable).orElse(Nullability.NULLABLE),
              Generation.WRITTEN));
    }
    // The log has no computed columns.
    known.columns().stream()
        .filter(column -> !column.isWritable() && schema.column(column.name()).isEmpty())
        .forEach(columns::add);
    List<String> ofSchema = keyOf(schema);
    boolean keyIsThere =
        !known.key().isEmpty()
            && known.key().stream().allMatch(name -> schema.column(name).isPresent());
    return new TableShape(
        known.name(),
        known.oid(),
        known.relationKind(),
        known.persistence(),
        known.replicaIdentity(),
        columns,
        keyIsThere ? known.key() : ofSchema,
        known.estimatedRows());
  }

  private static List<String> keyOf(TableSchema schema) {
    return schema.columns().stream()
        .filter(TableSchema.Column::key)
        .map(TableSchema.Column::name)
        .toList();
  }

  private void requireKept(Last last, TableSchema schema, TableShape there, Connection session)
      throws SQLException {
    TableSchema before = last.schema();
    for (Pair pair : last.mapping().columns()) {
      String name = pair.source().name();
      Optional<String> goesTo = definition.columns().targetOf(name);
      if (goesTo.isEmpty() || !pair.source().isWritable()) {
        continue;
      }
      Optional<TableSchema.Column> here = schema.column(name);
      Optional<ColumnShape> target = there.column(goesTo.get());
      if (here.isEmpty() && target.isPresent()) {
        throw gone(name, goesTo.get());
      }
      if (here.isPresent() && target.isEmpty()) {
        throw targetGone(name, goesTo.get());
      }
      if (here.isPresent() && target.isPresent()) {
        requireType(before.column(name).orElse(null), here.get(), target.get(), session);
      }
    }
    // Under a replica identity by index the log calls the index's columns the key.
    boolean logHasKey = last.mapping().source().replicaIdentity() != IDENTITY_INDEX;
    if (definition.keyColumns().isEmpty()
        && logHasKey
        && !Set.copyOf(keyOf(before)).equals(Set.copyOf(keyOf(schema)))) {
      throw keyChanged(keyOf(before), keyOf(schema));
    }
  }

  /**
   * A column of late changes that the table has no more was dropped, and its values with it, or it
   * was renamed, and its values are missed: then another column stands in its place.
   */
  private void requireNoneRenamed(TableSchema late, TableSchema now, TableShape there) {
    for (int i = 0; i < Math.min(late.columns().size(), now.columns().size()); i++) {
      String name = late.columns().get(i).name();
      String inItsPlace = now.columns().get(i).name();
      boolean isAnother =
          now.column(name).isEmpty()
              && late.column(inItsPlace).isEmpty()
              && definition.columns().targetOf(inItsPlace).flatMap(there::column).isPresent();
      if (isAnother && definition.columns().targetOf(name).flatMap(there::column).isEmpty()) {
        throw failure(
            OperatingFailure.Kind.SOURCE,
            "column_renamed",
            ("changes from before column '%s' of %s was renamed to '%s' still come, from a partition"
                    + " of its topic that is behind")
                .formatted(name, definition.source(), inItsPlace),
            "run a full sync (execute with mode full), which brings what they have");
      }
    }
  }

  private void requireType(
      TableSchema.@Nullable Column before,
      TableSchema.Column now,
      ColumnShape target,
      Connection session)
      throws SQLException {
    if (before == null || before.type().equals(now.type()) || now.type().equals(target.type())) {
      return;
    }
    ColumnShape source =
        new ColumnShape(
            now.name(),
            now.type(),
            now.castType(),
            now.typeOid(),
            Nullability.NULLABLE,
            Generation.WRITTEN);
    boolean wasEqual = before.type().equals(target.type());
    if (wasEqual || !PgTypeCheck.inspect(session, List.of(new Pair(source, target))).isEmpty()) {
      throw failure(
          OperatingFailure.Kind.SOURCE,
          "column_type_changed",
          "column '%s' of %s is %s at the source now, and '%s' of %s is %s"
              .formatted(
                  now.name(),
                  definition.source(),
                  now.type(),
                  target.name(),
                  definition.target(),
                  target.type()),
          "alter table %s alter column %s type %s; changes then go on where they stopped. Run a full"
                  .formatted(definition.target(), target.name(), now.type())
              + " sync (execute with mode full) if the source's values were changed with the type");
    }
  }

  private OperatingFailure gone(String column, String target) {
    return failure(
        OperatingFailure.Kind.SOURCE,
        "column_gone",
        "column '%s' of %s was dropped or renamed at the source"
            .formatted(column, definition.source()),
        "drop or rename '%s' of %s likewise, or name the columns to keep in step in columns; changes"
                .formatted(target, definition.target())
            + " then go on where they stopped");
  }

  private OperatingFailure targetGone(String column, String target) {
    return failure(
        OperatingFailure.Kind.TARGET,
        "target_column_gone",
        "%s has no column '%s' any more, and changes of '%s' still come"
            .formatted(definition.target(), target, column),
        "add it again, or leave '%s' out of columns, or run a full sync (execute with mode full)"
            .formatted(column));
  }

  private OperatingFailure keyChanged(List<String> before, List<String> now) {
    return failure(
        OperatingFailure.Kind.SOURCE,
        "key_changed",
        "the key of %s is (%s) now and was (%s)"
            .formatted(
                definition.source(),
                now.stream().collect(joining(", ")),
                before.stream().collect(joining(", "))),
        "give "
            + definition.target()
            + " a unique index over the new key and run a full sync (execute with mode full)");
  }

  private OperatingFailure refused(List<Finding> findings) {
    List<Finding> errors = findings.stream().filter(Finding::isError).toList();
    return failure(
        OperatingFailure.Kind.USER,
        "mapping_refused",
        errors.stream().map(Finding::message).collect(joining("; ")),
        errors.stream().map(Finding::fix).collect(joining("; ")));
  }

  private static OperatingFailure failure(
      OperatingFailure.Kind kind, String code, String message, String hint) {
    return new OperatingFailure(kind, code, message, hint, null);
  }
}

package io.tidemark.sync;

import io.tidemark.change.SourcePosition;
import io.tidemark.change.TableSchema;
import io.tidemark.change.TableSchemaJson;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.TableShape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;

/**
 * The table {@code sync_mappings}: each configuration's tables as its target was last written. It
 * lets a target take what is in its topic while the source is away, and tells what has changed
 * since.
 */
public final class JdbcMappings {
  private static final String PLANNED =
      """
      insert into sync_mappings as m (configuration_id, version, mapping)
      select c.id, c.version, cast(:mapping as jsonb)
      from sync_configurations c
      where c.id = :configuration
        and c.version = :version
      on conflict (configuration_id) do update
      set version = excluded.version, mapping = excluded.mapping
      where m.version <> excluded.version
        and m.source_schema is null
      """;

  private static final String USED =
      """
      insert into sync_mappings as m
        (configuration_id, version, mapping, source_schema, source_position)
      select c.id, c.version, cast(:mapping as jsonb), cast(:schema as jsonb), :position
      from sync_configurations c
      where c.id = :configuration
        and c.version = :version
      on conflict (configuration_id) do update
      set version = excluded.version,
          mapping = excluded.mapping,
          source_schema = excluded.source_schema,
          source_position = excluded.source_position
      where (m.version, m.mapping, m.source_schema)
        is distinct from (excluded.version, excluded.mapping, excluded.source_schema)
      """;

  private static final String FIND =
      """
      select m.mapping::text
      from sync_mappings m
      where m.configuration_id = :configuration
        and m.version = :version
      """;

  private static final String LAST =
      """
      select m.mapping::text, m.source_schema::text, m.source_position
      from sync_mappings m
      where m.configuration_id = :configuration
      """;

  private final Jdbi jdbi;

  public JdbcMappings(Jdbi jdbi) {
    this.jdbi = jdbi;
  }

  /**
   * How a configuration's target was last written.
   *
   * @param schema under which the rows were, or the source's when all of them were copied; null if
   *     none has been written
   * @param position of a change that was made under it; {@link SourcePosition#START} for a copy
   */
  public record Last(TableMapping mapping, @Nullable TableSchema schema, SourcePosition position) {}

  /** Keeps a mapping that the catalogs give, unless one is kept by which the target was written. */
  public void planned(SyncConfiguration configuration, TableMapping mapping) {
    keep(PLANNED, configuration, mapping, null, null);
  }

  /** Keeps the mapping by which changes made under a schema are written from now on. */
  public void used(
      SyncConfiguration configuration,
      TableMapping mapping,
      TableSchema schema,
      SourcePosition position) {
    keep(USED, configuration, mapping, schema, position);
  }

  /** Keeps the mapping by which all of the target was written anew. */
  public void copied(SyncConfiguration configuration, TableMapping mapping) {
    TableShape source = mapping.source();
    List<TableSchema.Column> columns =
        source.columns().stream()
            .filter(ColumnShape::isWritable)
            .map(
                column ->
                    new TableSchema.Column(
                        column.name(),
                        column.type(),
                        column.castType(),
                        column.typeOid(),
                        -1,
                        source.key().contains(column.name())))
            .toList();
    keep(USED, configuration, mapping, TableSchema.of(source.name(), columns), null);
  }

  private void keep(
      String sql,
      SyncConfiguration configuration,
      TableMapping mapping,
      @Nullable TableSchema schema,
      @Nullable SourcePosition position) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(sql)
                .bind("configuration", configuration.id())
                .bind("version", configuration.version())
                .bind("mapping", TableMappingJson.write(mapping))
                .bind("schema", schema == null ? null : text(schema))
                .bind("position", position == null ? null : position.toString())
                .execute());
  }

  private static String text(TableSchema schema) {
    return new String(TableSchemaJson.write(schema), StandardCharsets.UTF_8);
  }

  /** The mapping last kept for this version of the definition. */
  public Optional<TableMapping> find(SyncConfiguration configuration) {
    return jdbi.withHandle(
            handle ->
                handle
                    .createQuery(FIND)
                    .bind("configuration", configuration.id())
                    .bind("version", configuration.version())
                    .mapTo(String.class)
                    .findOne())
        .flatMap(TableMappingJson::read);
  }

  /** How the target was last written, whatever the version of the definition. */
  public Optional<Last> last(SyncConfiguration configuration) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(LAST)
                .bind("configuration", configuration.id())
                .map((row, context) -> last(row.getString(1), row.getString(2), row.getString(3)))
                .findOne()
                .flatMap(last -> last));
  }

  private static Optional<Last> last(
      String mapping, @Nullable String schema, @Nullable String position) {
    SourcePosition at = position == null ? SourcePosition.START : SourcePosition.parse(position);
    return TableMappingJson.read(mapping).map(read -> new Last(read, schema(schema), at));
  }

  private static @Nullable TableSchema schema(@Nullable String document) {
    if (document == null) {
      return null;
    }
    try {
      return TableSchemaJson.read(document.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("a schema that was kept cannot be read", e);
    }
  }
}

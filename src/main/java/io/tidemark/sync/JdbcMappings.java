package io.tidemark.sync;

import java.util.Optional;
import org.jdbi.v3.core.Jdbi;

/**
 * The table {@code sync_mappings}: each configuration's tables as both databases last had them. It
 * lets a target take what is in its topic while the source is away.
 */
public final class JdbcMappings {
  private static final String REMEMBER =
      """
      insert into sync_mappings as m (configuration_id, version, mapping)
      select c.id, c.version, cast(:mapping as jsonb)
      from sync_configurations c
      where c.id = :configuration
        and c.version = :version
      on conflict (configuration_id) do update
      set version = excluded.version, mapping = excluded.mapping
      where (m.version, m.mapping) is distinct from (excluded.version, excluded.mapping)
      """;

  private static final String FIND =
      """
      select m.mapping::text
      from sync_mappings m
      where m.configuration_id = :configuration
        and m.version = :version
      """;

  private final Jdbi jdbi;

  public JdbcMappings(Jdbi jdbi) {
    this.jdbi = jdbi;
  }

  /** Keeps the mapping for as long as the definition is the one it was made of. */
  public void remember(SyncConfiguration configuration, TableMapping mapping) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(REMEMBER)
                .bind("configuration", configuration.id())
                .bind("version", configuration.version())
                .bind("mapping", TableMappingJson.write(mapping))
                .execute());
  }

  /** The mapping last remembered for this version of the definition. */
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
}

package io.tidemark.orchestration;

import io.tidemark.change.OperatingFailure;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgFailures;
import io.tidemark.sync.ConnectionRegistry;
import io.tidemark.sync.SyncConfiguration;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Asks the databases which tables refer to which by foreign keys. */
final class PgForeignKeys {
  private static final String REFERENCES =
      """
      select distinct n.nspname, c.relname, rn.nspname, rc.relname
      from pg_catalog.pg_constraint k
      join pg_catalog.pg_class c on c.oid = k.conrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_class rc on rc.oid = k.confrelid
      join pg_catalog.pg_namespace rn on rn.oid = rc.relnamespace
      where k.contype = 'f'
      """;

  private final ConnectionRegistry connections;

  PgForeignKeys(ConnectionRegistry connections) {
    this.connections = connections;
  }

  /**
   * For each configuration those whose tables its own tables refer to, at the source or at the
   * target.
   *
   * @throws OperatingFailure if a database does not answer
   */
  Map<UUID, Set<UUID>> among(Collection<SyncConfiguration> configurations) {
    Map<UUID, Set<UUID>> references = new HashMap<>();
    collect(
        configurations,
        one -> one.definition().sourceConnection(),
        one -> one.definition().source(),
        OperatingFailure.Kind.SOURCE,
        references);
    collect(
        configurations,
        one -> one.definition().targetConnection(),
        one -> one.definition().target(),
        OperatingFailure.Kind.TARGET,
        references);
    return references;
  }

  private void collect(
      Collection<SyncConfiguration> configurations,
      Function<SyncConfiguration, String> connectionOf,
      Function<SyncConfiguration, TableName> tableOf,
      OperatingFailure.Kind side,
      Map<UUID, Set<UUID>> references) {
    Map<String, List<SyncConfiguration>> byConnection =
        configurations.stream().collect(Collectors.groupingBy(connectionOf));
    byConnection.forEach(
        (name, members) -> {
          Map<TableName, Set<UUID>> byTable =
              members.stream()
                  .collect(
                      Collectors.groupingBy(
                          tableOf, Collectors.mapping(SyncConfiguration::id, Collectors.toSet())));
          connections.find(name).map(database -> keys(database, side)).orElse(List.of()).stream()
              .filter(key -> byTable.containsKey(key.to()))
              .forEach(
                  key ->
                      byTable
                          .getOrDefault(key.from(), Set.of())
                          .forEach(
                              id ->
                                  references
                                      .computeIfAbsent(id, child -> new HashSet<>())
                                      .addAll(byTable.get(key.to()))));
        });
  }

  private record ForeignKey(TableName from, TableName to) {}

  private static List<ForeignKey> keys(PgDatabase database, OperatingFailure.Kind side) {
    try (Connection connection = database.open("tidemark-orchestration");
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(REFERENCES)) {
      List<ForeignKey> keys = new ArrayList<>();
      while (row.next()) {
        keys.add(
            new ForeignKey(
                new TableName(row.getString(1), row.getString(2)),
                new TableName(row.getString(3), row.getString(4))));
      }
      return keys;
    } catch (SQLException e) {
      throw PgFailures.of(e, side, "foreign keys of " + database.connection());
    }
  }
}

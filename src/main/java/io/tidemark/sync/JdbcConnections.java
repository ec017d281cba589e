package io.tidemark.sync;

import io.tidemark.postgres.PgTimes;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;

/** The table {@code sync_connections}: connections made over REST, passwords sealed. */
public final class JdbcConnections {
  private static final String SELECT =
      "select name, url, username, sealed_password from sync_connections";

  private final Jdbi jdbi;
  private final InstantSource clock;

  public JdbcConnections(Jdbi jdbi, InstantSource clock) {
    this.jdbi = jdbi;
    this.clock = clock;
  }

  /** A row, as it is stored. */
  record Stored(String name, String url, @Nullable String username, byte @Nullable [] sealed) {}

  List<Stored> all() {
    return jdbi.withHandle(
        handle -> handle.createQuery(SELECT + " order by name").map(JdbcConnections::read).list());
  }

  Optional<Stored> find(String name) {
    if (name.indexOf('\0') >= 0) {
      // PostgreSQL stores no such text, and would refuse to look for one.
      return Optional.empty();
    }
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(SELECT + " where name = :name")
                .bind("name", name)
                .map(JdbcConnections::read)
                .findOne());
  }

  /** Stores a new one; false if the name is taken. */
  boolean create(Stored connection) {
    return write(
        """
        insert into sync_connections
          (name, url, username, sealed_password, created_at, updated_at)
        values
          (:name, :url, :username, :sealed, :now, :now)
        on conflict (name) do nothing
        """,
        connection);
  }

  /** Replaces one; false if it is not there. */
  boolean replace(Stored connection) {
    return write(
        """
        update sync_connections
        set url = :url,
            username = :username,
            sealed_password = :sealed,
            updated_at = :now
        where name = :name
        """,
        connection);
  }

  private boolean write(String sql, Stored connection) {
    return jdbi.withHandle(
        handle ->
            handle
                    .createUpdate(sql)
                    .bind("name", connection.name())
                    .bind("url", connection.url())
                    .bind("username", connection.username())
                    .bind("sealed", connection.sealed())
                    .bind("now", PgTimes.bindable(clock.instant()))
                    .execute()
                == 1);
  }

  /**
   * Deletes one, unless a configuration uses it by now; false if it is still, or was never there.
   */
  boolean delete(String name) {
    return jdbi.withHandle(
        handle ->
            handle
                    .createUpdate(
                        """
                        delete from sync_connections
                        where name = :name
                          and not exists (
                            select
                            from sync_configurations
                            where :name in (source_connection, target_connection))
                        """)
                    .bind("name", name)
                    .execute()
                == 1);
  }

  private static Stored read(ResultSet row, StatementContext context) throws SQLException {
    return new Stored(
        row.getString("name"),
        row.getString("url"),
        row.getString("username"),
        row.getBytes("sealed_password"));
  }
}

package io.tidemark.boot;

import io.agroal.api.AgroalDataSource;
import io.agroal.api.AgroalDataSource.FlushMode;
import io.agroal.api.AgroalPoolInterceptor;
import io.tidemark.postgres.PgDatabase;
import jakarta.enterprise.inject.Instance;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/**
 * Looks after the sessions of the metadata database's pool as after all others: what hangs is cut
 * off. Then the idle ones go too, which may hang as well: a firewall forgets all of them at once.
 */
@Singleton
final class StoreSessions implements AgroalPoolInterceptor {
  private final PgDatabase store;
  private final Instance<AgroalDataSource> pool;

  @Inject
  StoreSessions(
      @ConfigProperty(name = "quarkus.datasource.jdbc.url") String url,
      @ConfigProperty(name = "quarkus.datasource.username") Optional<String> username,
      @ConfigProperty(name = "quarkus.datasource.password") Optional<String> password,
      Instance<AgroalDataSource> pool) {
    store = new PgDatabase("metadata database", url, username.orElse(null), password.orElse(null));
    this.pool = pool;
  }

  @Override
  public void onConnectionCreate(Connection session) {
    try {
      store.lookAfter(session, () -> pool.get().flush(FlushMode.IDLE));
    } catch (SQLException e) {
      throw new IllegalStateException("a session of the metadata database was lost at once", e);
    }
  }
}

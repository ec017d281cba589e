package io.tidemark.sync;

import io.tidemark.change.OperatingFailure;
import io.tidemark.postgres.PgDatabase;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The databases that configurations may name: those of the settings, which no request can change,
 * and those made over REST.
 */
public final class ConnectionRegistry {
  private static final Logger LOG = System.getLogger(ConnectionRegistry.class.getName());

  private final Map<String, PgDatabase> fixed;
  private final JdbcConnections stored;
  private final JdbcSyncConfigurations configurations;
  private final PgConnectionCheck check;
  private final @Nullable SealedPassword seal;

  /**
   * @param fixed the connections of the settings, by name
   * @param seal null without {@code tidemark.secret-key}: connections over REST are refused
   */
  public ConnectionRegistry(
      Map<String, PgDatabase> fixed,
      JdbcConnections stored,
      JdbcSyncConfigurations configurations,
      PgConnectionCheck check,
      @Nullable SealedPassword seal) {
    this.fixed = Map.copyOf(fixed);
    this.stored = stored;
    this.configurations = configurations;
    this.check = check;
    this.seal = seal;
  }

  /** Where a connection comes from. */
  public enum Origin {
    SETTINGS,
    API
  }

  /** What may be shown of a connection: the URL is without its parameters. */
  public record Described(String name, String url, @Nullable String username, Origin origin) {}

  /** The database of this name. */
  public Optional<PgDatabase> find(String name) {
    PgDatabase known = fixed.get(name);
    return known != null ? Optional.of(known) : stored.find(name).map(this::opened);
  }

  /** All of them by name, but for those whose password cannot be read. */
  public Map<String, PgDatabase> all() {
    Map<String, PgDatabase> all = new HashMap<>(fixed);
    for (JdbcConnections.Stored row : stored.all()) {
      try {
        all.putIfAbsent(row.name(), opened(row));
      } catch (OperatingFailure e) {
        // A configuration that needs it asks for it alone, and reports the failure.
        LOG.log(Level.DEBUG, () -> "connection '" + row.name() + "' cannot be opened", e);
      }
    }
    return all;
  }

  private PgDatabase opened(JdbcConnections.Stored row) {
    if (row.sealed() != null && seal == null) {
      throw SealedPassword.cannotOpen(null);
    }
    String password =
        row.sealed() == null || seal == null ? null : seal.open(row.sealed(), context(row));
    return new PgDatabase(row.name(), row.url(), row.username(), password);
  }

  private static String context(JdbcConnections.Stored row) {
    return context(row.name(), row.url());
  }

  private static String context(String name, String url) {
    return name + "\n" + url;
  }

  public List<Described> describeAll() {
    List<Described> all = new ArrayList<>();
    fixed.values().forEach(database -> all.add(described(database)));
    stored.all().stream()
        .filter(row -> !fixed.containsKey(row.name()))
        .forEach(row -> all.add(described(row)));
    all.sort(Comparator.comparing(Described::name));
    return all;
  }

  public Outcome<Described> describe(String name) {
    PgDatabase known = fixed.get(name);
    return known != null
        ? Outcome.of(described(known))
        : Outcome.ofKnown(stored.find(name).map(ConnectionRegistry::described), unknown(name));
  }

  private static Described described(PgDatabase database) {
    return new Described(
        database.connection(), shown(database.url()), database.username(), Origin.SETTINGS);
  }

  private static Described described(JdbcConnections.Stored row) {
    return new Described(row.name(), shown(row.url()), row.username(), Origin.API);
  }

  /** INVARIANT: a URL of the settings may hold a password, and nothing after the ? is shown. */
  private static String shown(String url) {
    int query = url.indexOf('?');
    String place = query < 0 ? url : url.substring(0, query);
    return place.replaceAll("//[^/@]*@", "//");
  }

  /** Asks the database of this name what it can be used for. */
  public Outcome<PgConnectionCheck.Result> check(String name) {
    return Outcome.ofKnown(find(name), unknown(name)).map(check::check);
  }

  public Outcome<Described> create(ConnectionDefinition connection) {
    if (fixed.containsKey(connection.name())) {
      return Outcome.refused(Refusal.state("name", taken(connection.name())));
    }
    return sealed(connection)
        .then(
            row ->
                stored.create(row)
                    ? Outcome.of(described(row))
                    : Outcome.refused(Refusal.state("name", taken(row.name()))));
  }

  public Outcome<Described> replace(ConnectionDefinition connection) {
    if (fixed.containsKey(connection.name())) {
      return Outcome.refused(ofSettings(connection.name()));
    }
    if (stored.find(connection.name()).isEmpty()) {
      return Outcome.refused(Refusal.unknown(unknown(connection.name())));
    }
    return sealed(connection)
        .then(
            row ->
                stored.replace(row)
                    ? Outcome.of(described(row))
                    : Outcome.refused(Refusal.unknown(unknown(row.name()))));
  }

  private Outcome<JdbcConnections.Stored> sealed(ConnectionDefinition connection) {
    if (seal == null) {
      return Outcome.refused(
          Refusal.database(
              "password",
              "connections cannot be made over REST without tidemark.secret-key, which seals their"
                  + " passwords. Set it to 32 random bytes as base64, or define the connection in"
                  + " the settings: tidemark.connections.<name>.url"));
    }
    byte[] password =
        connection.password() == null
            ? null
            : seal.seal(connection.password(), context(connection.name(), connection.url()));
    return Outcome.of(
        new JdbcConnections.Stored(
            connection.name(), connection.url(), connection.username(), password));
  }

  public Outcome<String> delete(String name) {
    if (fixed.containsKey(name)) {
      return Outcome.refused(ofSettings(name));
    }
    List<String> users = configurations.usersOf(name);
    if (!users.isEmpty()) {
      return Outcome.refused(inUse(name, users));
    }
    return stored.delete(name) ? Outcome.of(name) : Outcome.refused(Refusal.unknown(unknown(name)));
  }

  private static Refusal inUse(String name, List<String> users) {
    return Refusal.state(
        "connection '"
            + name
            + "' is used by "
            + String.join(", ", users)
            + "; delete or change these configurations first");
  }

  private static Refusal ofSettings(String name) {
    return Refusal.state(
        "connection '" + name + "' comes from the settings; change it there and restart");
  }

  private static String taken(String name) {
    return "there is a connection '" + name + "' already; choose another name";
  }

  private static String unknown(String name) {
    return "there is no connection '" + name + "'";
  }

  /** The names of all connections, for a message. */
  public String names() {
    return String.join(", ", describeAll().stream().map(Described::name).toList());
  }
}

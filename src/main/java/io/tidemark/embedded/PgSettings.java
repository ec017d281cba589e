package io.tidemark.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** The server settings that Tidemark relies on, in a file that the server's own includes last. */
final class PgSettings {

  static final String FILE = "tidemark.conf";

  // What keeps committed data through a crash is spelled out even where it is the default: this
  // file is the promise.
  private static final String SETTINGS =
      """
      # Written at every start. Use 'alter system' to override a setting.
      listen_addresses = '127.0.0.1'
      port = %d
      # Only TCP: socket paths are limited in length, and data directories are not.
      unix_socket_directories = ''
      max_connections = 200

      fsync = on
      synchronous_commit = on
      full_page_writes = on

      wal_level = logical
      track_commit_timestamp = on
      max_replication_slots = %d
      max_wal_senders = 32
      # A reader that pauses, in a debugger or a long collection of garbage, keeps its connection.
      wal_sender_timeout = '5min'
      max_prepared_transactions = 16

      shared_buffers = '256MB'
      max_wal_size = '4GB'
      timezone = 'UTC'
      # The user has the name of the schema that Tidemark makes in a target. With the usual
      # '"$user", public' the user's own tables would go there, or no longer be found.
      search_path = 'public'

      log_timezone = 'UTC'
      log_checkpoints = off
      # Neither statements nor details: both repeat row values.
      log_min_error_statement = panic
      log_error_verbosity = terse
      """;

  // Each configuration marks its writes by two origins of its own.
  private static final String ORIGINS =
      """
      max_active_replication_origins = %d
      """;

  private static final int SLOTS = 32;
  private static final int ORIGINS_MAX = 500;
  private static final int ORIGINS_SETTING_SINCE = 18;

  private PgSettings() {}

  /** Makes a fresh cluster read our file; ours comes last and wins over initdb's. */
  static void include(Path cluster) throws IOException {
    Path configuration = cluster.resolve("postgresql.conf");
    String own = Files.readString(configuration);
    Files.writeString(configuration, own + "\ninclude = '" + FILE + "'\n");
  }

  /**
   * Writes the file.
   *
   * @param major the server's release: before 18 a slot's setting bounds the origins too
   */
  static void write(Path cluster, int port, int major) throws IOException {
    Path complete = cluster.resolve(FILE);
    Path unfinished = cluster.resolve(FILE + ".unfinished");
    boolean own = major >= ORIGINS_SETTING_SINCE;
    Files.writeString(
        unfinished,
        SETTINGS.formatted(port, own ? SLOTS : ORIGINS_MAX)
            + (own ? ORIGINS.formatted(ORIGINS_MAX) : ""));
    Files.move(unfinished, complete, StandardCopyOption.ATOMIC_MOVE);
  }
}

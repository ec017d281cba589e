package io.tidemark.bench;

import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The processes of a PostgreSQL server that work for one of the contenders. While they are held
 * that contender stands still, and is otherwise as it was.
 */
final class Backend {
  private final PgDatabase database;
  private final String pids;

  private Backend(PgDatabase database, String pids) {
    this.database = database;
    this.pids = pids;
  }

  /**
   * What sends changes from a source.
   *
   * @param slot a pattern, as of {@code like}, of the slot's name
   */
  static Backend sender(PgDatabase source, String slot) {
    return new Backend(
        source,
        "select string_agg(active_pid::text, ' ') from pg_replication_slots where slot_name like '%s'"
            .formatted(slot));
  }

  /**
   * What writes changes to a target.
   *
   * @param application a pattern, as of {@code like}, of the session's name
   */
  static Backend writer(PgDatabase target, String application) {
    return new Backend(
        target,
        """
        select string_agg(pid::text, ' ')
        from pg_stat_activity
        where application_name like '%s' and datname = current_database()
        """
            .formatted(application));
  }

  void hold() throws IOException {
    signal("STOP");
  }

  void release() throws IOException {
    signal("CONT");
  }

  private void signal(String name) throws IOException {
    List<String> command = new ArrayList<>(List.of("kill", "-" + name));
    command.addAll(Arrays.asList(pids()));
    int exit = new ProcessBuilder(command).start().onExit().join().exitValue();
    if (exit != 0) {
      throw new IllegalStateException(command + " ended with " + exit);
    }
  }

  /** Processor time so far, in seconds. */
  double seconds() throws IOException {
    double seconds = 0;
    for (String pid : pids()) {
      seconds += Processes.seconds(Long.parseLong(pid));
    }
    return seconds;
  }

  private String[] pids() {
    Patience patience = new Patience("a process of " + database.connection());
    while (true) {
      String answer = TestStack.text(database, pids);
      if (!answer.equals("null")) {
        return answer.split(" ");
      }
      patience.step(20);
    }
  }
}

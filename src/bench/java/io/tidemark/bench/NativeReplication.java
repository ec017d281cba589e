package io.tidemark.bench;

import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import java.util.List;

/** PostgreSQL's own logical replication of some tables from one server to another. */
final class NativeReplication implements Followers.Peer {
  private final PgDatabase source;
  private final PgDatabase target;
  private final String name;

  private NativeReplication(PgDatabase source, PgDatabase target, String name) {
    this.source = source;
    this.target = target;
    this.name = name;
  }

  /** Goes on from what the tables hold now. */
  static NativeReplication of(
      PgDatabase source, PgDatabase target, String name, List<String> tables) {
    return start(source, target, name, tables, "copy_data = false");
  }

  /** Copies first, and returns when the rows are there. */
  static NativeReplication copying(
      PgDatabase source, PgDatabase target, String table, boolean isBinary) {
    NativeReplication replication =
        start(source, target, table, List.of(table), "copy_data = true, binary = " + isBinary);
    String copied =
        "select bool_and(srsubstate = 'r') from pg_subscription_rel r "
            + "join pg_subscription s on s.oid = r.srsubid where subname = '%s'"
                .formatted(replication.name);
    Patience patience = new Patience("the initial sync of " + table);
    while (!TestStack.text(target, copied).equals("t")) {
      patience.step(10);
    }
    return replication;
  }

  private static NativeReplication start(
      PgDatabase source, PgDatabase target, String table, List<String> tables, String options) {
    String name = "native_" + table;
    TestStack.execute(
        source, "create publication %s for table %s".formatted(name, String.join(", ", tables)));
    TestStack.execute(
        target,
        "create subscription %1$s connection '%2$s' publication %1$s with (%3$s)"
            .formatted(name, address(source), options));
    return new NativeReplication(source, target, name);
  }

  private static String address(PgDatabase source) {
    return "host=127.0.0.1 port=%s dbname=%s user=tidemark password=tidemark"
        .formatted(
            TestStack.text(source, "select inet_server_port()"),
            TestStack.text(source, "select current_database()"));
  }

  String slot() {
    return name;
  }

  @Override
  public void close() {
    TestStack.execute(target, "drop subscription " + name);
    TestStack.execute(source, "drop publication " + name);
  }
}

package io.tidemark.bench;

import io.tidemark.TestStack;
import io.tidemark.bench.ConnectChain.Tuning;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * Tables that Tidemark, PostgreSQL's own logical replication and Kafka Connect all keep in step,
 * each with a target of its own. All stand still until one is released.
 */
final class Followers implements AutoCloseable {
  private final Lab lab;
  private final List<String> tables;
  private final List<Follower> all = new ArrayList<>();
  private final List<Peer> peers = new ArrayList<>();

  /** Can be taken away again. */
  interface Peer extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * @param name of the tables, which get numbers
   * @param rows of each table, besides the row that is the mark
   * @param tuning of Kafka Connect
   */
  Followers(Lab lab, String name, int count, long rows, Tuning tuning) throws Exception {
    this.lab = lab;
    tables = new ArrayList<>();
    for (int number = 1; number <= count; number++) {
      tables.add(name + "_" + number);
    }
    for (PgDatabase database : lab.databases()) {
      for (String table : tables) {
        TestStack.execute(database, Orders.wide(table));
        TestStack.execute(database, Orders.fillWide(table, rows));
        TestStack.execute(database, "vacuum analyze " + table);
      }
    }
    follow(name, tuning);
    for (Follower follower : all) {
      follower.sender().hold();
    }
  }

  private void follow(String name, Tuning tuning) throws Exception {
    for (String table : tables) {
      lab.keepInStep(table);
    }
    all.add(lab.tidemark());
    NativeReplication replication = NativeReplication.of(lab.source(), lab.peer(), name, tables);
    peers.add(replication);
    all.add(
        new Follower(
            "native logical replication",
            lab.source(),
            replication.slot(),
            Backend.writer(lab.peer(), "native_" + name),
            lab.peer(),
            OptionalLong.empty(),
            ""));
    ConnectChain chain = ConnectChain.start(lab, name, tables, tuning);
    peers.add(chain);
    all.add(chain.follower());
  }

  List<String> tables() {
    return tables;
  }

  /** The first is Tidemark. */
  List<Follower> all() {
    return all;
  }

  void mark(String mark) {
    tables.forEach(table -> Orders.mark(lab.source(), table, mark));
  }

  void awaitMark(Follower follower, String mark) throws Exception {
    for (String table : tables) {
      Orders.awaitMark(follower.target(), table, mark);
    }
  }

  void requireEqual(Follower follower) {
    tables.forEach(table -> Orders.requireEqual(lab.source(), follower.target(), table));
  }

  @Override
  public void close() throws IOException {
    for (Follower follower : all) {
      follower.sender().release();
    }
    for (Peer peer : peers) {
      peer.close();
    }
    lab.forget(tables);
  }
}

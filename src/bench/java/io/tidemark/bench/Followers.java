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
   * All three.
   *
   * @param name of the tables, which get numbers
   * @param rows of each table, besides the row that is the mark
   * @param tuning of Kafka Connect
   */
  Followers(Lab lab, String name, int count, long rows, Tuning tuning) throws Exception {
    this(lab, name, count, rows);
    ConnectChain chain = ConnectChain.start(lab, name, tables, tuning);
    peers.add(chain);
    add(chain.follower());
  }

  /** Tidemark and native replication alone, of one table. */
  static Followers withoutConnect(Lab lab, String name, long rows) throws Exception {
    return new Followers(lab, name, 1, rows);
  }

  private Followers(Lab lab, String name, int count, long rows) throws IOException {
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
    for (String table : tables) {
      lab.keepInStep(table);
    }
    add(lab.tidemark());
    NativeReplication replication = NativeReplication.of(lab.source(), lab.peer(), name, tables);
    peers.add(replication);
    add(
        new Follower(
            "native logical replication",
            lab.source(),
            replication.slot(),
            Backend.writer(lab.peer(), "native_" + name),
            lab.peer(),
            OptionalLong.empty(),
            ""));
  }

  private void add(Follower follower) throws IOException {
    all.add(follower);
    follower.sender().hold();
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

  /** Brings all of them to where the source is: nobody's log holds what is another contest's. */
  void level(String mark) throws Exception {
    mark(mark);
    for (Follower follower : all) {
      follower.sender().release();
      awaitMark(follower, mark);
      follower.sender().hold();
    }
  }

  void requireEqual(Follower follower) {
    tables.forEach(table -> Orders.requireEqual(lab.source(), follower.target(), table));
  }

  /** Lets all of them go on. */
  void release() throws IOException {
    for (Follower follower : all) {
      follower.sender().release();
    }
  }

  @Override
  public void close() throws IOException {
    release();
    for (Peer peer : peers) {
      peer.close();
    }
    lab.forget(tables);
  }
}

package io.tidemark.bench;

import io.tidemark.bench.ConnectChain.Tuning;
import io.tidemark.bench.Orders.Load;
import io.tidemark.bench.Orders.Mix;
import java.io.IOException;
import java.sql.SQLException;

/**
 * Changes that have gathered, end to end. All contenders stand still while the changes are made,
 * and then go on, warm, one after the other.
 */
final class BacklogContests implements AutoCloseable {
  private final Lab lab;
  private final int changes;
  private final int rounds;
  private final Followers followers;
  private final Backlog backlog;

  /**
   * @param tables that the changes are spread over
   * @param changes of one backlog
   * @param rounds the most backlogs there will be
   */
  BacklogContests(Lab lab, int tables, int changes, int rounds) throws Exception {
    this.lab = lab;
    this.changes = changes;
    this.rounds = rounds;
    long rows = (long) changes / tables * rounds;
    followers = new Followers(lab, "backlog_of_" + tables, tables, rows, Tuning.THROUGHPUT);
    backlog = new Backlog(lab, followers, changes);
  }

  Contest of(String name, Mix mix, int perTransaction) {
    return new Contest(
        name,
        "backlog of %,d %s, transactions of %,d, %d table%s"
            .formatted(
                changes,
                mix.word(),
                perTransaction,
                followers.tables().size(),
                followers.tables().size() == 1 ? "" : "s"),
        Backlog.FIGURES,
        backlog.contenders(earlier -> load(mix, perTransaction, earlier)));
  }

  private void load(Mix mix, int perTransaction, int earlier) throws SQLException {
    Load.after(earlier, rounds, followers.tables(), mix, changes, perTransaction).run(lab.source());
  }

  @Override
  public void close() throws IOException {
    followers.close();
  }
}

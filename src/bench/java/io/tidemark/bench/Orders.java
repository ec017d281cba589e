package io.tidemark.bench;

import io.tidemark.TestStack;
import io.tidemark.postgres.PgDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/** The data of the measurements: tables of made-up orders, and what is done to them. */
final class Orders {
  /** The row whose status says how far a target is; nothing else touches it. */
  private static final int MARKER = 0;

  private static final String DETAIL =
      "jsonb_build_object('sku', md5(i::text), 'lines', i % 9, 'address', md5(i::text))";

  private Orders() {}

  /** What a change does: of ten changes in a row, so many of each kind. */
  enum Mix {
    /** Half of the changes updates, four in ten inserts, one in ten deletes. */
    ALL("updates, inserts, deletes", 4, 1),
    INSERTS("inserts", 10, 0),
    UPDATES("updates", 0, 0);

    private final String word;
    private final int inserts;
    private final int deletes;

    Mix(String word, int inserts, int deletes) {
      this.word = word;
      this.inserts = inserts;
      this.deletes = deletes;
    }

    String word() {
      return word;
    }
  }

  /** Rows of 300 bytes, with the types that people use most. */
  static String wide(String table) {
    return """
        create table %s (
          id int8 primary key, customer text, status text, note text, amount numeric(12, 2),
          detail jsonb, created_at timestamptz, updated_at timestamptz)
        with (autovacuum_enabled = off)
        """
        .formatted(table);
  }

  /** How much the rows of a wide table hold. */
  enum Width {
    SLIM("rows of 60 bytes", "null", "null"),
    USUAL("rows of 300 bytes", "repeat(md5(i::text), 2)", DETAIL),
    /** Not to be compressed, and short enough to stay in the row. */
    BROAD(
        "rows of 1,500 bytes",
        "(select string_agg(md5((i + n)::text), '') from generate_series(1, 40) n)",
        DETAIL);

    private final String words;
    private final String note;
    private final String detail;

    Width(String words, String note, String detail) {
      this.words = words;
      this.note = note;
      this.detail = detail;
    }

    String words() {
      return words;
    }
  }

  static String fillWide(String table, long rows) {
    return fill(table, rows, Width.USUAL);
  }

  static String fill(String table, long rows, Width width) {
    return """
        insert into %s
        select i, 'customer ' || i %% 1000, 'shipped', %s, i %% 100000 * 1.07, %s,
               timestamptz '2026-01-01' + i * interval '1 second', '2026-01-01'
        from generate_series(0, %d) i
        """
        .formatted(table, width.note, width.detail, rows);
  }

  static String narrow(String table) {
    return """
        create table %s (id int8 primary key, n int4, at timestamptz)
        with (autovacuum_enabled = off)
        """
        .formatted(table);
  }

  static String fillNarrow(String table, long rows) {
    return "insert into %s select i, i %% 1000, timestamptz '2026-01-01' from generate_series(0, %d) i"
        .formatted(table, rows);
  }

  /**
   * Changes of wide tables, each row once, a table per transaction in turn.
   *
   * @param first of each table, the first id that is there and was not changed yet
   * @param fresh of each table, the first id that is not there
   * @param changes of all tables together; each table uses its share of ids
   */
  record Load(
      List<String> tables, Mix mix, long first, long fresh, int changes, int perTransaction) {

    /**
     * The next of several loads of the same size, of tables that were filled with {@code loads}
     * times their share of the changes.
     *
     * @param earlier how many of the loads there were before
     * @param loads the most there will be
     */
    static Load after(
        int earlier, int loads, List<String> tables, Mix mix, int changes, int perTransaction) {
      long ids = changes / tables.size();
      return new Load(
          tables, mix, earlier * ids + 1, (loads + earlier) * ids + 1, changes, perTransaction);
    }

    void run(PgDatabase database) throws SQLException {
      try (Connection connection = database.open("bench load");
          Statement statement = connection.createStatement()) {
        // The load is not what is measured.
        statement.execute("set synchronous_commit = off");
        statement.execute(script());
      }
    }

    private String script() {
      StringBuilder work = new StringBuilder();
      for (int table = 0; table < tables.size(); table++) {
        work.append(change(table));
      }
      return """
          do $$
          declare
            at int8;
          begin
            for i in 0..%1$d - 1 loop
              at := i / (%2$d * %3$d) * %2$d + i %% %2$d;
              %4$s
              if (i + 1) %% %2$d = 0 then
                commit;
              end if;
            end loop;
          end $$
          """
          .formatted(changes, perTransaction, tables.size(), work);
    }

    private String change(int table) {
      return """
          if i / %6$d %% %7$d = %8$d then
            if i %% 10 < %4$d then
              insert into %1$s
              values (%3$d + at, 'customer ' || i %% 1000, 'new', repeat(md5(i::text), 2), 7.5,
                      jsonb_build_object('sku', md5(i::text), 'lines', 1, 'address', md5(i::text)),
                      now(), now());
            elsif i %% 10 < %5$d then
              delete from %1$s where id = %2$d + at;
            else
              update %1$s set status = 'returned', amount = amount + 1, updated_at = now()
              where id = %2$d + at;
            end if;
          end if;
          """
          .formatted(
              tables.get(table),
              first,
              fresh,
              mix.inserts,
              mix.inserts + mix.deletes,
              perTransaction,
              tables.size(),
              table);
    }
  }

  /**
   * Updates all over a wide table, each of another row.
   *
   * @param rows of the table, a round number
   * @param changes of one load
   */
  record Spread(String table, long rows, int changes) {
    static final int PER_TRANSACTION = 100;

    /** Has no divisor in common with a number of rows that is round, so no row comes twice. */
    private static final long STRIDE = 7_368_787;

    /**
     * @param earlier how many of the loads there were before
     */
    void run(PgDatabase database, int earlier) throws SQLException {
      try (Connection connection = database.open("bench load");
          Statement statement = connection.createStatement()) {
        statement.execute("set synchronous_commit = off");
        statement.execute(
            """
            do $$
            begin
              for i in %1$d..%1$d + %2$d - 1 loop
                update %3$s set status = 'returned', amount = amount + 1, updated_at = now()
                where id = 1 + i::int8 * %4$d %% %5$d;
                if (i + 1) %% %6$d = 0 then
                  commit;
                end if;
              end loop;
            end $$
            """
                .formatted(
                    (long) earlier * changes, changes, table, STRIDE, rows, PER_TRANSACTION));
      }
    }
  }

  /** Marks that everything before this is done. */
  static void mark(PgDatabase database, String table, String mark) {
    TestStack.execute(
        database, "update %s set status = '%s' where id = %d".formatted(table, mark, MARKER));
  }

  /** Waits until a mark is there, in short steps. */
  static void awaitMark(PgDatabase database, String table, String mark) throws SQLException {
    String ask = "select status = '%s' from %s where id = %d".formatted(mark, table, MARKER);
    try (Connection connection = database.open("bench");
        var statement = connection.prepareStatement(ask)) {
      Patience patience = new Patience("the mark of " + table + " in " + database.connection());
      while (true) {
        try (var row = statement.executeQuery()) {
          if (row.next() && row.getBoolean(1)) {
            return;
          }
        }
        patience.step(10);
      }
    }
  }

  static boolean hasMark(PgDatabase database, String table, String mark) {
    return TestStack.text(
            database, "select status = '%s' from %s where id = %d".formatted(mark, table, MARKER))
        .equals("t");
  }

  static void requireEqual(PgDatabase one, PgDatabase other, String table) {
    String content =
        "select count(*) || ' ' || sum(hashtextextended(t::text, 0)) from " + table + " t";
    String here = TestStack.text(one, content);
    String there = TestStack.text(other, content);
    if (!here.equals(there)) {
      throw new IllegalStateException(table + " is not in step: " + here + ", " + there);
    }
  }
}

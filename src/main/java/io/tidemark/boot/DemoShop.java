package io.tidemark.boot;

import io.tidemark.postgres.PgDatabase;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * The sample shop: three tables on both sides, rows to begin with, and a day at the counter in
 * single transactions.
 */
final class DemoShop {
  /** The tables, without their schema. */
  static final List<String> TABLES = List.of("customers", "orders", "products");

  private static final String CREATE =
      """
      create schema if not exists shop;
      create table if not exists shop.customers (
        id bigint primary key,
        name text not null,
        email text not null unique,
        address jsonb,
        joined date not null default current_date
      );
      create table if not exists shop.orders (
        id bigint primary key,
        customer_id bigint not null,
        status text not null,
        total numeric(12, 2) not null,
        items jsonb not null,
        note text,
        updated_at timestamptz not null default now()
      );
      create table if not exists shop.products (
        sku text primary key,
        name text not null,
        price numeric(10, 2) not null,
        tags text[] not null,
        description text not null
      )
      """;

  // The description is long and does not compress, so that PostgreSQL keeps it out of line: an
  // update of the price does not send it.
  private static final String LOAD =
      """
      insert into shop.customers (id, name, email, address)
      select g, 'Customer ' || g, 'c' || g || '@example.com',
             jsonb_build_object('street', 'Quay ' || g % 100, 'city', 'Port ' || g % 7)
      from generate_series(1, 2000) g;
      insert into shop.orders (id, customer_id, status, total, items, note)
      select g, 1 + g % 2000, 'new', (g % 900) + 0.99,
             jsonb_build_array(jsonb_build_object('sku', 'S' || g % 500, 'count', 1 + g % 3)),
             case when g % 5 = 0 then 'leave at the door' end
      from generate_series(1, 20000) g;
      insert into shop.products (sku, name, price, tags, description)
      select 'S' || g, 'Product ' || g, (g % 90) + 0.5, array['sea', 'tag ' || g % 9],
             (select string_agg(md5(g::text || i::text), '') from generate_series(1, 100) i)
      from generate_series(0, 499) g
      """;

  private static final String PLACE_ORDER =
      """
      insert into shop.orders (id, customer_id, status, total, items)
      select coalesce(max(id), 0) + 1, 1 + (? % 2000), 'new', (? % 900) + 0.5,
             jsonb_build_array(jsonb_build_object('sku', 'S' || ? % 500, 'count', 1))
      from shop.orders
      """;

  private static final String MOVE_ORDER_ON =
      """
      update shop.orders
      set status = case status when 'new' then 'packed' when 'packed' then 'sent' else 'done' end,
          updated_at = now()
      where id = (select min(id) from shop.orders where id >= ?)
      """;

  private static final String CANCEL_ORDER =
      """
      delete from shop.orders
      where id = (select min(id) from shop.orders where id >= ?)
      """;

  private static final String MOVE_HOUSE =
      """
      update shop.customers
      set address = jsonb_set(address, '{street}', to_jsonb('Pier ' || ?::text))
      where id = 1 + (? % 2000)
      """;

  private static final String CHANGE_PRICE =
      """
      update shop.products set price = price + 0.01 where sku = 'S' || (? % 500)
      """;

  // A clerk on the other side notes another city, and the shop another street just after.
  private static final String NOTE_CITY =
      """
      update shop.customers
      set address = jsonb_set(address, '{city}', to_jsonb('Haven ' || ?::text))
      where id = ?
      """;
  private static final String NOTE_STREET =
      """
      update shop.customers
      set address = jsonb_set(address, '{street}', to_jsonb('Wharf ' || ?::text))
      where id = ?
      """;

  // Another key for the same customer: far above the others, or back again.
  private static final String RENUMBER_CUSTOMER =
      """
      update shop.customers
      set id = case when id > 1000000 then id - 1000000 else id + 1000000 end
      where id % 1000000 = 1 + (? % 2000)
      """;

  // One number for all rows, whatever their order: equal exactly when every row's text is equal,
  // but for a collision of 64-bit sums.
  private static final String CONTENT =
      """
      select count(*),
             coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint::numeric), 0)::text
      from shop.%s t
      """;

  private final PgDatabase source;
  private final PgDatabase target;
  private final RandomGenerator random;

  DemoShop(PgDatabase source, PgDatabase target, RandomGenerator random) {
    this.source = source;
    this.target = target;
    this.random = random;
  }

  /** Makes the tables on both sides and fills the source's, unless that was done before. */
  void open() throws SQLException {
    for (PgDatabase database : List.of(source, target)) {
      try (Connection connection = database.open("demo");
          Statement statement = connection.createStatement()) {
        statement.execute(CREATE);
        if (database.equals(source) && isEmpty(statement)) {
          statement.execute(LOAD);
        }
      }
    }
  }

  private static boolean isEmpty(Statement statement) throws SQLException {
    try (ResultSet rows = statement.executeQuery("select count(*) from shop.orders")) {
      rows.next();
      return rows.getLong(1) == 0;
    }
  }

  /** A session on the source for {@link #trade}. */
  Connection counter() throws SQLException {
    return source.open("demo counter");
  }

  /** One random transaction of the shop. */
  void trade(Connection counter) throws SQLException {
    int dice = random.nextInt(100);
    if (dice < 40) {
      run(counter, PLACE_ORDER, 3);
    } else if (dice < 75) {
      run(counter, MOVE_ORDER_ON, 1);
    } else if (dice < 83) {
      run(counter, CANCEL_ORDER, 1);
    } else if (dice < 91) {
      run(counter, MOVE_HOUSE, 2);
    } else if (dice < 98) {
      run(counter, CHANGE_PRICE, 1);
    } else {
      run(counter, RENUMBER_CUSTOMER, 1);
    }
  }

  /** A session on the target, for somebody who writes there too. */
  Connection clerk() throws SQLException {
    return target.open("demo clerk");
  }

  /** Both sides write one customer, which is a conflict. */
  void quarrel(Connection counter, Connection clerk) throws SQLException {
    int customer = 1 + random.nextInt(2000);
    note(clerk, NOTE_CITY, customer);
    note(counter, NOTE_STREET, customer);
  }

  private void note(Connection session, String sql, int customer) throws SQLException {
    try (PreparedStatement statement = session.prepareStatement(sql)) {
      statement.setInt(1, random.nextInt(1000));
      statement.setInt(2, customer);
      statement.executeUpdate();
    }
  }

  private void run(Connection counter, String sql, int parameters) throws SQLException {
    try (PreparedStatement statement = counter.prepareStatement(sql)) {
      for (int i = 1; i <= parameters; i++) {
        statement.setInt(i, random.nextInt(20_000));
      }
      statement.executeUpdate();
    }
  }

  /**
   * A table's rows on both sides.
   *
   * @param equal whether their contents are
   */
  record Comparison(long sourceRows, long targetRows, boolean equal) {}

  /** Compares the tables by content; the caller sees to it that nothing is under way. */
  Map<String, Comparison> compare() throws SQLException {
    Map<String, Comparison> comparisons = new LinkedHashMap<>();
    for (String table : TABLES) {
      Content here = content(source, table);
      Content there = content(target, table);
      comparisons.put(table, new Comparison(here.rows(), there.rows(), here.equals(there)));
    }
    return comparisons;
  }

  private record Content(long rows, String sum) {}

  private static Content content(PgDatabase database, String table) throws SQLException {
    try (Connection connection = database.open("demo verification");
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(CONTENT.formatted(table))) {
      row.next();
      return new Content(row.getLong(1), row.getString(2));
    }
  }
}

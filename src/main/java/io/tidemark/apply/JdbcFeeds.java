package io.tidemark.apply;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a statement takes of a list of items: one array parameter for each named column, unnested
 * into rows. Text and order of the parameters and what is bound to them stand in one place.
 */
final class JdbcFeeds<T> {
  /** The name of the column that numbers the items, from 0. */
  static final String PLACE = "place";

  /**
   * One parameter.
   *
   * @param array makes an array of the values' own class: the driver sends one of texts or numbers
   *     in binary, one of objects as a text that the server has to take apart
   */
  private record Feed<T>(
      String name,
      String type,
      IntFunction<@Nullable Object[]> array,
      Function<T, @Nullable Object> value) {}

  private final List<Feed<T>> feeds = new ArrayList<>();

  /** Numbers the items: {@code place}. */
  JdbcFeeds<T> places() {
    feeds.add(new Feed<>(PLACE, "int4", Integer[]::new, item -> null));
    return this;
  }

  /** A column of PostgreSQL's own text. */
  JdbcFeeds<T> text(String name, Function<T, @Nullable String> value) {
    feeds.add(new Feed<>(name, "text", String[]::new, value::apply));
    return this;
  }

  JdbcFeeds<T> flag(String name, Function<T, Boolean> value) {
    feeds.add(new Feed<>(name, "bool", Boolean[]::new, value::apply));
    return this;
  }

  JdbcFeeds<T> number(String name, Function<T, Long> value) {
    feeds.add(new Feed<>(name, "int8", Long[]::new, value::apply));
    return this;
  }

  /**
   * The row source, for a from clause. The arrays are unnested in a select list, one row at a time:
   * as functions in the from clause each of them would first be stored whole, for 0.4 µs of the
   * server's time a change.
   */
  String as(String alias) {
    return feeds.stream()
        .map(feed -> "unnest(?::" + feed.type() + "[]) as " + feed.name())
        .collect(Collectors.joining(", ", "(select ", ") as " + alias));
  }

  /** Binds the items from a parameter on and answers the next parameter. */
  int bind(PreparedStatement statement, int from, List<T> items) throws SQLException {
    return setArrays(statement, from, arrays(statement.getConnection(), items));
  }

  /**
   * The items as arrays to be bound. The server is not asked, so this may be done by another thread
   * while the session is at work.
   */
  List<Array> arrays(Connection connection, List<T> items) throws SQLException {
    List<Array> arrays = new ArrayList<>(feeds.size());
    for (Feed<T> feed : feeds) {
      @Nullable Object[] values = feed.array().apply(items.size());
      for (int i = 0; i < values.length; i++) {
        values[i] =
            feed.name().equals(PLACE) ? Integer.valueOf(i) : feed.value().apply(items.get(i));
      }
      arrays.add(connection.createArrayOf(feed.type(), values));
    }
    return arrays;
  }

  /** Binds arrays, of one list of items or of several, and answers the next parameter. */
  static int setArrays(PreparedStatement statement, int from, List<Array> arrays)
      throws SQLException {
    int parameter = from;
    for (Array array : arrays) {
      statement.setArray(parameter++, array);
    }
    return parameter;
  }
}

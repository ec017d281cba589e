package io.tidemark.apply;

import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.sync.TableMapping;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Writes steps to one table in the transaction of the session it is given. Keeps its statements
 * prepared; not thread-safe, as the session is not.
 */
final class JdbcTableWriter implements AutoCloseable {
  /** Which columns are absent differs per row; more kinds of statement than this are not kept. */
  private static final int STATEMENTS_MAX = 64;

  /** A foreign key refers to the table, or the role may delete but not truncate. */
  private static final Set<String> NOT_TO_BE_TRUNCATED = Set.of("0A000", "42501");

  private final Connection connection;
  private final TableMapping mapping;
  private final ApplySql sql;
  private final Map<String, PreparedStatement> prepared = new LinkedHashMap<>(16, 0.75f, true);

  JdbcTableWriter(Connection connection, TableMapping mapping) throws SQLException {
    this.connection = connection;
    this.mapping = mapping;
    sql = new ApplySql(mapping, connection.getMetaData().getDatabaseMajorVersion());
  }

  /** What a step came to: the rows written, and those that it should have found and did not. */
  record Written(RowCounts counts, List<TargetRow> missing) {}

  Written write(Step step) throws SQLException {
    if (step instanceof Step.Rows rows) {
      return writeRows(rows);
    }
    if (step instanceof Step.Moves moves) {
      return writeMoves(moves.moves());
    }
    return truncate();
  }

  private Written writeRows(Step.Rows rows) throws SQLException {
    RowCounts counts = RowCounts.NONE;
    if (!rows.upserts().isEmpty() || !rows.deletes().isEmpty()) {
      counts = deleteAndUpsert(rows.deletes(), rows.upserts());
    }
    List<TargetRow> missing = new ArrayList<>();
    for (List<TargetRow> alike : groupedByPresence(rows.patches(), TargetRow::presence)) {
      BitSet found = patch(alike);
      counts = counts.plus(new RowCounts(0, found.cardinality(), 0, 0));
      collectUnset(alike, found, missing);
    }
    return new Written(counts, missing);
  }

  private RowCounts deleteAndUpsert(List<Step.Deletion> deletes, List<TargetRow> upserts)
      throws SQLException {
    PreparedStatement statement = prepare(sql.deleteAndUpsert());
    int parameter = 1;
    for (int i = 0; i < mapping.key().size(); i++) {
      int place = i;
      setTexts(statement, parameter++, deletes, deletion -> deletion.key().value(place));
    }
    for (int i = 0; i < mapping.columns().size(); i++) {
      int place = i;
      setTexts(statement, parameter++, upserts, row -> row.values()[place]);
    }
    try (ResultSet counts = statement.executeQuery()) {
      counts.next();
      return new RowCounts(counts.getLong(1), counts.getLong(2), counts.getLong(3), 0);
    }
  }

  private BitSet patch(List<TargetRow> alike) throws SQLException {
    IntPredicate present = presentIn(alike.get(0));
    PreparedStatement statement = prepare(sql.patch(present));
    int parameter = setPlacesAndKeys(statement, alike, TargetRow::key);
    for (int place : sql.patchedColumns(present)) {
      setTexts(statement, parameter++, alike, row -> row.values()[place]);
    }
    return places(statement);
  }

  /**
   * Rows whose old key the target does not have are put as new rows if they are complete: the
   * source's row is the truth.
   */
  private Written writeMoves(List<Step.Move> moves) throws SQLException {
    RowCounts counts = RowCounts.NONE;
    List<TargetRow> missing = new ArrayList<>();
    for (List<Step.Move> alike : groupedByPresence(moves, move -> move.row().presence())) {
      BitSet found = move(alike);
      counts = counts.plus(new RowCounts(0, found.cardinality(), 0, 0));
      collectUnset(alike.stream().map(Step.Move::row).toList(), found, missing);
    }
    List<TargetRow> complete = missing.stream().filter(TargetRow::isComplete).toList();
    if (!complete.isEmpty()) {
      counts = counts.plus(deleteAndUpsert(List.of(), complete));
      missing.removeAll(complete);
    }
    return new Written(counts, missing);
  }

  private BitSet move(List<Step.Move> alike) throws SQLException {
    IntPredicate present = presentIn(alike.get(0).row());
    PreparedStatement statement = prepare(sql.move(present));
    int parameter = setPlacesAndKeys(statement, alike, Step.Move::oldKey);
    for (int i = 0; i < mapping.columns().size(); i++) {
      if (present.test(i)) {
        int place = i;
        setTexts(statement, parameter++, alike, move -> move.row().values()[place]);
      }
    }
    return places(statement);
  }

  private Written truncate() throws SQLException {
    // A refused statement would end the transaction that also holds the position.
    var savepoint = connection.setSavepoint();
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql.truncate());
      return new Written(RowCounts.NONE, List.of());
    } catch (SQLException e) {
      if (!NOT_TO_BE_TRUNCATED.contains(e.getSQLState())) {
        throw e;
      }
      connection.rollback(savepoint);
    }
    try (Statement statement = connection.createStatement()) {
      return new Written(
          new RowCounts(0, 0, statement.executeUpdate(sql.deleteAll()), 0), List.of());
    }
  }

  private <T> int setPlacesAndKeys(
      PreparedStatement statement, List<T> rows, Function<T, RowKey> key) throws SQLException {
    Integer[] places = new Integer[rows.size()];
    for (int i = 0; i < places.length; i++) {
      places[i] = i;
    }
    statement.setArray(1, connection.createArrayOf("int4", places));
    int parameter = 2;
    for (int i = 0; i < mapping.key().size(); i++) {
      int column = i;
      setTexts(statement, parameter++, rows, row -> key.apply(row).value(column));
    }
    return parameter;
  }

  private <T> void setTexts(
      PreparedStatement statement, int parameter, List<T> rows, Function<T, @Nullable String> text)
      throws SQLException {
    @Nullable String[] texts = new String[rows.size()];
    for (int i = 0; i < texts.length; i++) {
      texts[i] = text.apply(rows.get(i));
    }
    Array array = connection.createArrayOf("text", texts);
    statement.setArray(parameter, array);
    array.free();
  }

  private static BitSet places(PreparedStatement statement) throws SQLException {
    BitSet places = new BitSet();
    try (ResultSet row = statement.executeQuery()) {
      while (row.next()) {
        places.set(row.getInt(1));
      }
    }
    return places;
  }

  private static IntPredicate presentIn(TargetRow row) {
    return i -> row.values()[i] != Row.ABSENT;
  }

  private static <T> Iterable<List<T>> groupedByPresence(
      List<T> rows, Function<T, String> presence) {
    Map<String, List<T>> groups = new LinkedHashMap<>();
    for (T row : rows) {
      groups.computeIfAbsent(presence.apply(row), mask -> new ArrayList<>()).add(row);
    }
    return groups.values();
  }

  private static void collectUnset(List<TargetRow> rows, BitSet found, List<TargetRow> missing) {
    for (int i = found.nextClearBit(0); i < rows.size(); i = found.nextClearBit(i + 1)) {
      missing.add(rows.get(i));
    }
  }

  private PreparedStatement prepare(String text) throws SQLException {
    PreparedStatement known = prepared.get(text);
    if (known != null) {
      return known;
    }
    if (prepared.size() >= STATEMENTS_MAX) {
      String eldest = prepared.keySet().iterator().next();
      prepared.remove(eldest).close();
    }
    PreparedStatement statement = connection.prepareStatement(text);
    prepared.put(text, statement);
    return statement;
  }

  @Override
  public void close() throws SQLException {
    for (PreparedStatement statement : prepared.values()) {
      statement.close();
    }
    prepared.clear();
  }
}

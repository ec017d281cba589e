package io.tidemark.sync;

import io.tidemark.sync.TableMapping.Pair;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Asks the target whether a column's values can become the target column's type. */
final class PgTypeCheck {
  /**
   * How source values become the target's type: {@code i} always, {@code a} if they fit, {@code t}
   * if their text reads as that type, null never. A type of the source that the target does not
   * have is carried as text.
   */
  private static final String CAST =
      """
      select case
          when s.typcategory = 'S' and t.typcategory <> 'S' then 't'
          when t.typcategory = 'S' then 'i'
          else (
            select case c.castcontext when 'i' then 'i' else 'a' end
            from pg_catalog.pg_cast c
            where c.castsource = s.oid and c.casttarget = t.oid)
        end
      from pg_catalog.pg_type t
      left join pg_catalog.pg_type s on s.oid = pg_catalog.to_regtype(?)
      where t.oid = ?::oid
      """;

  /** Types of PostgreSQL's own whose text it writes and does not read. */
  private static final Set<String> UNREADABLE =
      Set.of(
          "gtsvector",
          "pg_brin_bloom_summary",
          "pg_brin_minmax_multi_summary",
          "pg_dependencies",
          "pg_mcv_list",
          "pg_ndistinct",
          "pg_node_tree");

  private PgTypeCheck() {}

  static List<Finding> inspect(Connection target, List<Pair> columns) throws SQLException {
    List<Finding> findings = new ArrayList<>();
    try (PreparedStatement statement = target.prepareStatement(CAST)) {
      for (Pair pair : columns) {
        if (UNREADABLE.contains(pair.source().castType().replace("[]", ""))) {
          findings.add(unreadable(pair));
          continue;
        }
        // Equal text is an equal type: format_type names the schema of all but built-in types.
        if (!pair.source().type().equals(pair.target().type())) {
          statement.setString(1, pair.source().type());
          statement.setLong(2, Integer.toUnsignedLong(pair.target().typeOid()));
          try (ResultSet row = statement.executeQuery()) {
            String cast = row.next() ? row.getString(1) : null;
            add(findings, pair, cast == null ? "" : cast);
          }
        }
      }
    }
    return findings;
  }

  private static Finding unreadable(Pair pair) {
    return Finding.error(
        "columns",
        "type_unreadable",
        "'%s' is %s, whose text PostgreSQL itself does not read"
            .formatted(pair.source().name(), pair.source().type()),
        "Leave the column out of columns");
  }

  private static void add(List<Finding> findings, Pair pair, String cast) {
    String types =
        "'"
            + pair.source().name()
            + "' is "
            + pair.source().type()
            + " at the source, '"
            + pair.target().name()
            + "' "
            + pair.target().type()
            + " at the target";
    switch (cast) {
      case "i" -> {
        // Every value fits.
      }
      case "a", "t" ->
          findings.add(
              Finding.warning(
                  "columns",
                  "column_type_narrows",
                  types,
                  "Rows whose value does not fit will be refused; give both the same type"));
      default ->
          findings.add(
              Finding.error(
                  "columns",
                  "column_type_differs",
                  types + ", and the one cannot become the other",
                  "Give both the same type, or leave the column out of columns"));
    }
  }
}

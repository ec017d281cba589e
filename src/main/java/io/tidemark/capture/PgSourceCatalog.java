package io.tidemark.capture;

import io.tidemark.change.TableName;
import io.tidemark.postgres.PgCatalog;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.TableShape;
import io.tidemark.postgres.TypeName;
import io.tidemark.postgres.TypeRef;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The catalog of a source database, asked over a connection of its own when something is not known
 * yet. Belongs to one stream, and to the thread that reads it.
 */
final class PgSourceCatalog implements PgOutputCatalog {
  /** The oids from here on are those of types that users and extensions make. */
  private static final int FIRST_USER_OID = 16384;

  private final PgDatabase source;

  /**
   * Names of the server's own types, which stay. Others may be renamed, so they are asked for each
   * time that a table is described.
   */
  private final Map<TypeRef, TypeName> builtIn = new HashMap<>();

  PgSourceCatalog(PgDatabase source) {
    this.source = source;
  }

  @Override
  public Facts ask(@Nullable TableName keyOf, Collection<TypeRef> types) {
    Map<TypeRef, TypeName> names = new HashMap<>();
    Set<TypeRef> unknown = new HashSet<>();
    for (TypeRef type : types) {
      TypeName known = builtIn.get(type);
      if (known == null) {
        unknown.add(type);
      } else {
        names.put(type, known);
      }
    }
    if (keyOf == null && unknown.isEmpty()) {
      return new Facts(List.of(), names);
    }
    try (Connection connection = source.open("capture catalog")) {
      names.putAll(PgCatalog.typeNames(connection, unknown));
      remember(names);
      return new Facts(keyOf == null ? List.of() : keyOf(connection, keyOf), names);
    } catch (SQLException e) {
      String what = keyOf == null ? "the types of a table" : "the key and the types of " + keyOf;
      throw PgSource.failure(what + " could not be read", e);
    }
  }

  private static List<String> keyOf(Connection connection, TableName table) throws SQLException {
    return PgCatalog.shapeOf(connection, table).map(TableShape::key).orElse(List.of());
  }

  private void remember(Map<TypeRef, TypeName> names) {
    names.forEach(
        (type, name) -> {
          if (Integer.compareUnsigned(type.oid(), FIRST_USER_OID) < 0) {
            builtIn.put(type, name);
          }
        });
  }
}

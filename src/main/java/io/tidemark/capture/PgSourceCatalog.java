package io.tidemark.capture;

import io.tidemark.change.TableName;
import io.tidemark.postgres.PgCatalog;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.TypeName;
import io.tidemark.postgres.TypeRef;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
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
  private final String publication;

  /** Null until it is needed. */
  private @Nullable PublicationNote note;

  /**
   * Names of the server's own types, which stay. Others may be renamed, so they are asked for each
   * time that a table is described.
   */
  private final Map<TypeRef, TypeName> builtIn = new HashMap<>();

  PgSourceCatalog(PgDatabase source, String publication) {
    this.source = source;
    this.publication = publication;
  }

  @Override
  public TableName trackedName(long relation, TableName named) {
    PublicationNote known = note;
    if (known == null) {
      known = PgSource.look(source, publication).note();
      note = known;
    }
    return known.nameOf(relation).orElse(named);
  }

  @Override
  public void forgetNames() {
    note = null;
  }

  @Override
  public Facts ask(OptionalLong keyOf, Collection<TypeRef> types) {
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
    if (keyOf.isEmpty() && unknown.isEmpty()) {
      return new Facts(List.of(), names);
    }
    try (Connection connection = source.open("capture catalog")) {
      names.putAll(PgCatalog.typeNames(connection, unknown));
      remember(names);
      List<String> key =
          keyOf.isPresent() ? PgCatalog.keyOf(connection, keyOf.getAsLong()) : List.of();
      return new Facts(key, names);
    } catch (SQLException e) {
      throw PgSource.failure("the key and the types of a table could not be read", e);
    }
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

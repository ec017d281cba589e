package io.tidemark.capture;

import io.tidemark.change.TableName;
import io.tidemark.postgres.TypeName;
import io.tidemark.postgres.TypeRef;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What pgoutput does not say of a table, and the source's catalog does. */
interface PgOutputCatalog {
  /**
   * Answers all that one Relation message leaves open at once, since a question takes a connection.
   *
   * @param keyOf the table whose key is asked for; null if the message told it
   * @param types those whose names are asked for
   */
  Facts ask(@Nullable TableName keyOf, Collection<TypeRef> types);

  /**
   * The catalog as it is now, which may be later than the message.
   *
   * @param key the key's columns; empty if the table has none, or it was not asked for
   * @param types names; a type that was dropped since has none
   */
  record Facts(List<String> key, Map<TypeRef, TypeName> types) {
    public Facts {
      key = List.copyOf(key);
      types = Map.copyOf(types);
    }
  }
}

package io.tidemark.capture;

import io.tidemark.change.TableName;
import io.tidemark.postgres.TypeName;
import io.tidemark.postgres.TypeRef;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/** What pgoutput does not say of a table, and the source's catalog does. */
interface PgOutputCatalog {
  /**
   * Answers all that one Relation message leaves open at once, since a question takes a connection.
   *
   * @param keyOf oid of the table whose key is asked for; empty if the message told it
   * @param types those whose names are asked for
   */
  Facts ask(OptionalLong keyOf, Collection<TypeRef> types);

  /**
   * The name under which a table's changes are written: the one under which it is tracked, even if
   * it has another one now.
   *
   * @param relation the table's oid
   * @param named what the message calls it
   */
  default TableName trackedName(long relation, TableName named) {
    return named;
  }

  /** Which tables are tracked has changed: names are to be asked for again. */
  default void forgetNames() {}

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

package io.tidemark.postgres;

import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Which types' binary form means the same in another database.
 *
 * <p>Left out are types whose binary form holds an oid of this very database: the {@code reg…}
 * family, composites, and arrays of types that are not built in; and the vectors, which PostgreSQL
 * does not read back if they are empty.
 */
public final class PgBinaryTypes {
  // A domain travels as its base type. 16384 is the first oid that a user's object can have.
  private static final String PORTABLE =
      """
      with recursive base (asked, oid) as (
        select t.oid, t.oid
        from pg_catalog.pg_type t
        where t.oid = any (?::oid[])
        union all
        select b.asked, t.typbasetype
        from base b
        join pg_catalog.pg_type t on t.oid = b.oid
        where t.typtype = 'd')
      select b.asked::int8, t.typname || ':' || t.typtype::text
      from base b
      join pg_catalog.pg_type t on t.oid = b.oid
      left join pg_catalog.pg_type e on e.oid = t.typelem and t.typelem <> 0
      where t.typtype <> 'd'
        and t.typsend <> 0 and t.typreceive <> 0
        and (e.oid is null or e.typsend <> 0)
        and not (t.oid < 16384 and t.typname ~ '^_?(reg|int2vector|oidvector)')
        and (t.oid < 16384 or t.typtype = 'e' or t.typtype = 'b' and t.typelem = 0)
      """;

  private PgBinaryTypes() {}

  /** For each of these types whose binary form is portable: a name that is the same elsewhere. */
  public static Map<Integer, String> portable(PgSession session, Collection<Integer> typeOids) {
    String oids =
        typeOids.stream()
            .distinct()
            .map(Integer::toUnsignedString)
            .collect(Collectors.joining(",", "{", "}"));
    Map<Integer, String> names = new HashMap<>();
    for (List<@Nullable String> row : session.rows(PORTABLE, oids)) {
      names.put(Integer.parseUnsignedInt(row.get(0)), String.valueOf(row.get(1)));
    }
    return names;
  }
}

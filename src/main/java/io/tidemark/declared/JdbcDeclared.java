package io.tidemark.declared;

import io.tidemark.change.WireName;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;

/** The table {@code sync_declared}: what belongs to the sync file. */
public final class JdbcDeclared {
  /** Any number that nobody else takes: the ASCII of "declared". */
  private static final long LOCK = 0x6465636c61726564L;

  private final Jdbi jdbi;

  public JdbcDeclared(Jdbi jdbi) {
    this.jdbi = jdbi;
  }

  /** Does something that one process at a time may do. */
  <T> T alone(Supplier<T> work) {
    // INVARIANT: opened, not handed in. What the work does in this thread would otherwise join this
    // transaction, and nobody else would see what it has stored.
    try (Handle handle = jdbi.open()) {
      handle.begin();
      handle
          .createQuery("select pg_advisory_xact_lock(:lock)")
          .bind("lock", LOCK)
          .mapTo(String.class)
          .findOne();
      try {
        return work.get();
      } finally {
        handle.rollback();
      }
    }
  }

  Set<Declared> all() {
    return jdbi.withHandle(
        handle ->
            new HashSet<>(
                handle
                    .createQuery("select kind, name from sync_declared")
                    .map(
                        (row, context) ->
                            new Declared(
                                WireName.read(Kind.class, row.getString("kind")),
                                row.getString("name")))
                    .list()));
  }

  void add(Declared one) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate(
                    """
                    insert into sync_declared (kind, name)
                    values (:kind, :name)
                    on conflict do nothing
                    """)
                .bind("kind", WireName.of(one.kind()))
                .bind("name", one.name())
                .execute());
  }

  void remove(Declared one) {
    jdbi.useHandle(
        handle ->
            handle
                .createUpdate("delete from sync_declared where kind = :kind and name = :name")
                .bind("kind", WireName.of(one.kind()))
                .bind("name", one.name())
                .execute());
  }
}

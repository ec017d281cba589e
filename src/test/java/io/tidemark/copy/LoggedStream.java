package io.tidemark.copy;

import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.change.TableName;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.PgSession.Begin;
import io.tidemark.postgres.SourceSnapshot;
import io.tidemark.postgres.Sql;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A change stream made of a log table that a trigger fills, standing in for the topic: the same
 * question decides what is applied, whether the snapshot sees the change's transaction.
 */
final class LoggedStream implements StreamJoin {
  static final String TABLES =
      """
      create table t (id int8 primary key, a text, version int not null default 0);
      create sequence log_order;
      create table log (place int8, transaction int8, key int8, a text, version int, gone bool);
      create function log_it() returns trigger language plpgsql as $$
      begin
        if tg_op = 'DELETE' then
          insert into log values (nextval('log_order'), pg_current_xact_id()::text::int8,
                                  old.id, null, null, true);
          return old;
        end if;
        insert into log values (nextval('log_order'), pg_current_xact_id()::text::int8,
                                new.id, new.a, new.version, false);
        return new;
      end $$;
      create trigger log_it after insert or update or delete on t
        for each row execute function log_it()
      """;

  private static final long LOWER_HALF = 0xFFFFFFFFL;

  private final PgFixture pg;
  private final Runnable beforeSnapshot;
  private final Runnable afterSnapshot;
  private long applied;
  private long fences;
  private boolean losesFirstFence;
  private @Nullable List<List<@Nullable String>> tableAtPosition;

  /**
   * @param afterSnapshot runs when the rows were copied, before the stream is read
   */
  LoggedStream(PgFixture pg, Runnable beforeSnapshot, Runnable afterSnapshot) {
    this.pg = pg;
    this.beforeSnapshot = beforeSnapshot;
    this.afterSnapshot = afterSnapshot;
  }

  /** The source table's rows at the position up to which the stream was applied. */
  List<List<@Nullable String>> tableAtPosition() {
    return Objects.requireNonNull(tableAtPosition);
  }

  long fences() {
    return fences;
  }

  /** As if the apply loop and the copy waited for each other. */
  void loseFirstFence() {
    losesFirstFence = true;
  }

  @Override
  public void beforeSnapshot() {
    beforeSnapshot.run();
  }

  @Override
  public boolean isStreaming() {
    return true;
  }

  @Override
  public long catchUpAhead(PgSession session, TableName stage, SourceSnapshot snapshot) {
    afterSnapshot.run();
    return apply(session, stage, snapshot);
  }

  @Override
  public void fence(PgSession session) {
    fences++;
    session.execute("create table if not exists position (at int8)");
    if (losesFirstFence && fences == 1) {
      session.execute("do $$ begin raise exception using errcode = '40P01'; end $$");
    }
  }

  @Override
  public long catchUp(PgSession session, TableName table, SourceSnapshot snapshot) {
    if (applied == 0) {
      afterSnapshot.run();
    }
    return apply(session, table, snapshot);
  }

  @Override
  public void commitPosition(PgSession session, SourceSnapshot snapshot) {
    session.execute("insert into position values (" + snapshot.lsn() + ")");
  }

  /** Applies the whole log again and again: an upsert of whole rows may be repeated. */
  private long apply(PgSession session, TableName table, SourceSnapshot snapshot) {
    long changes = 0;
    try (PgSession log = PgSession.open(pg.source, Kind.SOURCE, "test", "log")) {
      log.begin(Begin.REPEATABLE_READ_ONLY);
      for (List<@Nullable String> row :
          log.rows("select transaction, key, a, version, gone from log order by place")) {
        if (snapshot.sees(Long.parseLong(row.get(0)) & LOWER_HALF)) {
          continue;
        }
        changes++;
        session.execute(statement(Sql.name(table), row));
      }
      tableAtPosition = log.rows("select id, a, version from t order by id");
      log.commit();
    }
    applied += changes;
    return changes;
  }

  private static String statement(String table, List<@Nullable String> row) {
    if ("t".equals(row.get(4))) {
      return "delete from %s where id = %s".formatted(table, row.get(1));
    }
    return """
        insert into %s (id, a, version) values (%s, %s, %s)
        on conflict (id) do update set a = excluded.a, version = excluded.version
        """
        .formatted(table, row.get(1), Sql.literal(String.valueOf(row.get(2))), row.get(3));
  }
}

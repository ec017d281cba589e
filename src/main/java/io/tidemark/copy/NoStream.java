package io.tidemark.copy;

import io.tidemark.change.TableName;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.SourceSnapshot;

/** The join of a plain full sync, and of a merge without a stream. */
enum NoStream implements MergeJoin {
  INSTANCE;

  @Override
  public void beforeSnapshot() {}

  @Override
  public boolean isStreaming() {
    return false;
  }

  @Override
  public long catchUpAhead(PgSession session, TableName stage, SourceSnapshot snapshot) {
    return 0;
  }

  @Override
  public void fence(PgSession session) {}

  @Override
  public long catchUp(PgSession session, TableName table, SourceSnapshot snapshot) {
    return 0;
  }

  @Override
  public void commitPosition(PgSession session, SourceSnapshot snapshot) {}

  @Override
  public void awaitSeen(SourceSnapshot snapshot) {}

  @Override
  public void changesToApply(SourceSnapshot snapshot, ChangedKeys keys) {}

  @Override
  public boolean allowsLoad() {
    return true;
  }
}

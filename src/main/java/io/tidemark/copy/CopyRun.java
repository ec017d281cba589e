package io.tidemark.copy;

import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.PgSession.Begin;
import io.tidemark.postgres.SourceSnapshot;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What both ways of one copy share: its sessions, its scan of the source, its end. */
final class CopyRun {
  private final CopyRequest request;
  private final CopySettings settings;
  private final StreamJoin join;
  private final CopyProgress progress;
  private final Cancellation cancellation;
  private final Sessions sessions;
  private final SourceScan scan;
  private final CopyFormat format;
  private final PgSession writer;
  private @Nullable String condition;

  CopyRun(
      CopyRequest request,
      CopySettings settings,
      CopyHooks hooks,
      CopyProgress progress,
      Cancellation cancellation,
      Sessions sessions) {
    this.request = request;
    this.settings = settings;
    this.join = hooks.join();
    this.progress = progress;
    this.cancellation = cancellation;
    this.sessions = sessions;
    this.writer = sessions.openTarget();
    hooks.preparation().prepare(writer);
    progress.enter(CopyPhase.SNAPSHOT);
    join.beforeSnapshot();
    this.scan = new SourceScan(sessions, request.mapping(), settings);
    progress.expect(scan.units());
    this.format = CopyFormat.of(request.mapping(), scan.leader(), writer);
  }

  CopyRequest request() {
    return request;
  }

  TableMapping mapping() {
    return request.mapping();
  }

  Sessions sessions() {
    return sessions;
  }

  StreamJoin join() {
    return join;
  }

  CopyProgress progress() {
    return progress;
  }

  CopyFormat format() {
    return format;
  }

  SourceSnapshot snapshot() {
    return scan.snapshot();
  }

  /** The one session that writes the target table. */
  PgSession writer() {
    return writer;
  }

  SourceScan scan() {
    return scan;
  }

  /** Limits what is read to the rows of which this SQL expression over source columns holds. */
  void readOnlyWhere(String expression) {
    condition = expression;
  }

  /** Ends the reading side: the source can clean up again. */
  void endScan() {
    scan.end();
  }

  /**
   * Reads all chunks in parallel, one thread per reader.
   *
   * @param work makes a reader's thread of the task that reads all it can into a sink
   */
  void readInParallel(Function<ChunkReader, Runnable> work) {
    progress.enter(CopyPhase.COPY);
    List<Runnable> threads = new ArrayList<>();
    for (PgSession reader : scan.readers(settings.workers())) {
      threads.add(work.apply(sink -> readChunks(reader, sink)));
    }
    new Workers(sessions).runAll(threads);
  }

  /** Reads all chunks in the source's order, in the calling thread. */
  void readInOrder(RowSink sink) {
    progress.enter(CopyPhase.COPY);
    readChunks(scan.leader(), sink);
  }

  /** Reads chunks into a sink until none is left. */
  interface ChunkReader {
    void readInto(RowSink sink);
  }

  /** Begins the transaction that writes the target: first the fence, then the lock. */
  void beginWriting() {
    writer.begin(Begin.READ_COMMITTED);
    writer.execute("set local lock_timeout = " + settings.lockTimeout().toMillis());
    join.fence(writer);
    writer.execute(
        "lock table %s in %s mode"
            .formatted(Difference.targetRelation(mapping()), request.method().lockMode()));
  }

  /** Sets the position and commits, unless the copy was cancelled. */
  void commit() {
    commit(() -> {});
  }

  /**
   * Likewise, with work to be done once the copy cannot be cancelled any more.
   *
   * @param beforeCommit what it leaves elsewhere stays, even if the commit fails
   */
  void commit(Runnable beforeCommit) {
    join.commitPosition(writer, scan.snapshot());
    progress.enter(CopyPhase.COMMIT);
    if (!cancellation.close()) {
      throw new CopyCancelled();
    }
    beforeCommit.run();
    writer.commit();
  }

  boolean targetIsEmpty() {
    return !writer.isTrue(
        "select exists (select from %s)".formatted(Difference.targetRelation(mapping())));
  }

  private void readChunks(PgSession reader, RowSink sink) {
    RowPump pump = new RowPump(format, sink, progress, settings.bufferBytes(), this::keepPace);
    for (Chunk chunk = scan.chunks().poll(); chunk != null; chunk = scan.chunks().poll()) {
      pump.pump(reader.copyOut(scan.statement(chunk, format, Optional.ofNullable(condition))));
      progress.unitsDone(chunk.units());
    }
  }

  private void keepPace(long rows) {
    // Cancelled, interrupted or failed in another thread: all of them abort the sessions.
    settings.pace().spend(rows, sessions::isAborted);
  }

  /** The target's name, quoted. */
  String targetName() {
    return Sql.name(mapping().target().name());
  }
}

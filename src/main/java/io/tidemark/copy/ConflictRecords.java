package io.tidemark.copy;

import io.tidemark.change.Row;
import io.tidemark.change.RowShape;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.TableName;
import io.tidemark.conflict.ConflictLog;
import io.tidemark.conflict.ConflictType;
import io.tidemark.conflict.Detected;
import io.tidemark.conflict.Later;
import io.tidemark.conflict.Place;
import io.tidemark.conflict.Verdict;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping.Pair;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Carries the rows that differ from the merge's transaction to the conflict log, some at a time, so
 * that memory is bounded whatever their number.
 *
 * <p>The cursor is opened before the target is written: it shows the rows as they were then,
 * however late they are fetched.
 */
final class ConflictRecords {
  private static final int ROWS_MAX = 500;

  /** What one fetch should hold at most, in characters of the rows' text. */
  private static final long TEXT_MAX = 8L << 20;

  /** A fetched conflict is its decision, whether the source has a row, a unique key, two rows. */
  private static final int ROWS_FROM = 3;

  private static final TableName WAITING = new TableName("pg_temp", "tidemark_waiting");

  private final PgSession session;
  private final MergeRequest request;
  private final ConflictLog log;
  private final long snapshotLsn;
  private final RowShape shape;
  private final RowShape keyShape;

  ConflictRecords(PgSession session, MergeRequest request, ConflictLog log, long snapshotLsn) {
    this.session = session;
    this.request = request;
    this.log = log;
    this.snapshotLsn = snapshotLsn;
    shape = shapeOf(request.mapping().columns());
    keyShape = shapeOf(request.mapping().key());
  }

  private static RowShape shapeOf(List<Pair> pairs) {
    List<ColumnShape> columns = pairs.stream().map(Pair::target).toList();
    return RowShape.of(
        columns.stream().map(ColumnShape::name).toList(),
        columns.stream().map(ColumnShape::kind).toList());
  }

  /** Makes an empty table beside the stage for rows that wait for a person. */
  TableName makeWaiting(StageTable stage) {
    session.execute(
        """
        create temporary table tidemark_waiting on commit drop as
        select %s
        from %s as s
        with no data
        """
            .formatted(
                Difference.columns("s", request.mapping().columns()), Sql.name(stage.name())));
    return WAITING;
  }

  /** Opens the cursor over what {@link MergeDifference#compare} has found. */
  void open(StageTable stage) {
    session.execute(
        """
        declare tidemark_conflicts no scroll cursor for
        select d.decision, d.stage_row is not null, d.columns, %s, %s
        from (
          select decision, stage_row, target_table, target_row, null::text as columns
          from pg_temp.tidemark_merge
          where decision in ('APPLY', 'KEEP', 'REVIEW')
          union all
          select decision, stage_row, target_table, target_row, columns
          from pg_temp.tidemark_holder) as d
        join %s as t on %s
        left join %s as s on s.ctid = d.stage_row
        """
            .formatted(
                texts("s"),
                texts("t"),
                Difference.targetRelation(request.mapping()),
                Difference.atTargetRow(request.mapping()),
                Sql.name(stage.name())));
  }

  /**
   * The values as their types print them, whatever they are. A composite value of nulls alone "is
   * null" and yet is a value; "is distinct from null" asks for the value itself.
   */
  private String texts(String alias) {
    return request.mapping().columns().stream()
        .map(pair -> alias + "." + Sql.name(pair.target().name()))
        .map("case when %1$s is distinct from null then pg_catalog.concat(%1$s) end"::formatted)
        .collect(Collectors.joining(",\n       "));
  }

  /** Puts all of them on record. */
  void write() {
    fetchAll("tidemark_conflicts", rows -> log.record(rows.stream().map(this::detected).toList()));
  }

  /** Tells the conflicts that wait what the source's rows are now. */
  void joinWaiting() {
    session.execute(
        """
        declare tidemark_joining no scroll cursor for
        select %s
        from %s as s
        """
            .formatted(texts("s"), Sql.name(WAITING)));
    SourcePosition position = new SourcePosition(snapshotLsn, 0, 0);
    fetchAll(
        "tidemark_joining",
        rows ->
            // Those that do not wait any more are left to the next merge.
            log.join(
                rows.stream()
                    .map(values -> row(values, 0))
                    .map(row -> new Later(Detected.keyOf(keyOf(row)), row, position))
                    .toList()));
  }

  private void fetchAll(String cursor, Consumer<List<List<@Nullable String>>> batch) {
    int count = ROWS_MAX;
    while (true) {
      List<List<@Nullable String>> rows =
          session.rows("fetch forward " + count + " from " + cursor);
      if (rows.isEmpty()) {
        // The stage cannot be dropped while a cursor reads it.
        session.execute("close " + cursor);
        return;
      }
      batch.accept(rows);
      long text =
          rows.stream()
              .flatMap(List::stream)
              .filter(Objects::nonNull)
              .mapToLong(String::length)
              .sum();
      long fitting = TEXT_MAX / Math.max(1, text / rows.size());
      count = (int) Math.max(1, Math.min(ROWS_MAX, fitting));
    }
  }

  private Detected detected(List<@Nullable String> values) {
    Row source = "t".equals(values.get(1)) ? row(values, ROWS_FROM) : null;
    Row target = row(values, ROWS_FROM + shape.size());
    String unique = values.get(2);
    Verdict verdict = Verdict.valueOf(String.valueOf(values.get(0)));
    return new Detected(
        unique == null ? ConflictType.MERGE_DIFFERS : ConflictType.UNIQUE_VIOLATION,
        keyOf(source == null ? target : source),
        Place.ofComparison(request.topic(), placeOf(verdict, values)),
        null,
        source,
        target,
        null,
        unique == null ? differing(source, target) : columns(unique),
        verdict);
  }

  private List<String> columns(String places) {
    return Arrays.stream(places.split(",")).map(Integer::valueOf).map(shape::column).toList();
  }

  /**
   * A row that is written stands at the execution's own place, however often the transaction is
   * tried, and so does each row that gave way to it. A row that stays stands at one that follows
   * from both rows: the next merge finds it again, and as long as neither side has changed it that
   * is no other conflict.
   */
  private long placeOf(Verdict verdict, List<@Nullable String> values) {
    long own = request.execution().getMostSignificantBits();
    if (verdict == Verdict.APPLY) {
      return (values.get(2) == null ? own : own ^ digest(values)) & Long.MAX_VALUE;
    }
    return digest(values) & Long.MAX_VALUE;
  }

  private static long digest(List<@Nullable String> values) {
    MessageDigest digest = sha256();
    for (String value : values) {
      byte[] bytes = value == null ? new byte[0] : value.getBytes(StandardCharsets.UTF_8);
      int length = value == null ? -1 : bytes.length;
      digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(length).array());
      digest.update(bytes);
    }
    return ByteBuffer.wrap(digest.digest()).getLong();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private Row row(List<@Nullable String> values, int from) {
    return Row.of(shape, values.subList(from, from + shape.size()).toArray(String[]::new));
  }

  private Row keyOf(Row row) {
    @Nullable String[] values = new @Nullable String[keyShape.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = row.value(shape.indexOf(keyShape.column(i)));
    }
    return Row.of(keyShape, values);
  }

  private List<String> differing(@Nullable Row source, Row target) {
    if (source == null) {
      return shape.columns();
    }
    List<String> differing = new ArrayList<>();
    for (int i = 0; i < shape.size(); i++) {
      if (!Objects.equals(source.value(i), target.value(i))) {
        differing.add(shape.column(i));
      }
    }
    return differing;
  }
}

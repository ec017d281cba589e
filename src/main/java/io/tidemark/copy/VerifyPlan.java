package io.tidemark.copy;

import io.tidemark.change.RowKey;
import io.tidemark.postgres.PgCopyOut;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.Sql;
import io.tidemark.sync.TableMapping;
import io.tidemark.sync.TableMapping.Pair;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The statements by which a comparison looks into what {@link DigestPlan} has found to differ. All
 * of them are COPY: a row filter may hold question marks, which JDBC takes for parameters.
 */
final class VerifyPlan {
  private static final int KEYS_MAX = 5_000;

  /** Hashes of single columns that one answer has at most. */
  private static final int VALUES_MAX = 200_000;

  private final TableMapping mapping;
  private final DigestPlan digests;

  VerifyPlan(TableMapping mapping, DigestPlan digests) {
    this.mapping = mapping;
    this.digests = digests;
  }

  /** How many keys to ask for at once. */
  int keysMax() {
    return Math.max(1, Math.min(KEYS_MAX, VALUES_MAX / mapping.columns().size()));
  }

  /** Answers of each source row in these buckets the key's hash, the row's, and the key. */
  String sourceKeys(BitSet buckets) {
    return keys(
        digests::ofSource,
        digests::sourceText,
        digests.sourceRelation(),
        digests.sourceFilter() + " and " + digests.sourceRowIn(buckets));
  }

  /** Likewise of the target. */
  String targetKeys(BitSet buckets) {
    return keys(
        DigestPlan::ofTarget,
        pair -> Sql.name(pair.target().name()) + "::text",
        Difference.targetRelation(mapping),
        digests.targetRowIn(buckets));
  }

  private String keys(
      Function<Pair, String> value, Function<Pair, String> text, String from, String where) {
    return "copy (select %s, %s, %s from %s where %s) to stdout"
        .formatted(
            DigestPlan.rowHash(mapping.key(), value),
            DigestPlan.rowHash(mapping.columns(), value),
            mapping.key().stream().map(text).collect(Collectors.joining(", ")),
            from,
            where);
  }

  /**
   * The hashes of keys, in their order.
   *
   * @param target a session on the target, which knows its types
   */
  long[] hashes(PgSession target, List<RowKey> keys) {
    String columns =
        IntStream.range(0, mapping.key().size())
            .mapToObj(
                i -> {
                  var column = mapping.key().get(i).target();
                  return "u.k%d::%s as %s".formatted(i, column.type(), Sql.name(column.name()));
                })
            .collect(Collectors.joining(", "));
    String statement =
        "copy (select u.tidemark_n, %s from %s, lateral (select %s) as c) to stdout"
            .formatted(
                DigestPlan.rowHash(mapping.key(), DigestPlan::ofTarget), unnest(keys), columns);
    long[] hashes = new long[keys.size()];
    PgCopyOut answer = target.copyOut(statement);
    for (byte[] line = answer.read(); line != null; line = answer.read()) {
      KeyLine fields = new KeyLine(line);
      hashes[(int) fields.number() - 1] = fields.number();
    }
    return hashes;
  }

  /** The source's rows of these keys: for each that is there, the hashes of its values. */
  Map<Integer, long[]> sourceRows(PgSession source, List<RowKey> keys) {
    return rows(
        source,
        keys,
        digests::ofSource,
        digests.sourceRelation(),
        pair -> pair.source().type(),
        pair -> pair.source().name(),
        Sql.name(mapping.source().name().table()),
        digests.sourceFilter());
  }

  /** The target's, likewise. */
  Map<Integer, long[]> targetRows(PgSession target, List<RowKey> keys) {
    return likeTarget(target, keys, Difference.targetRelation(mapping));
  }

  /** Those of a stage of the target's columns. */
  Map<Integer, long[]> stagedRows(PgSession target, List<RowKey> keys, StageTable stage) {
    return likeTarget(target, keys, Sql.name(stage.name()));
  }

  private Map<Integer, long[]> likeTarget(PgSession target, List<RowKey> keys, String relation) {
    return rows(
        target,
        keys,
        DigestPlan::ofTarget,
        relation + " as tidemark_t",
        pair -> pair.target().type(),
        pair -> pair.target().name(),
        "tidemark_t",
        "true");
  }

  private Map<Integer, long[]> rows(
      PgSession session,
      List<RowKey> keys,
      Function<Pair, String> value,
      String relation,
      Function<Pair, String> type,
      Function<Pair, String> name,
      String alias,
      String where) {
    String statement =
        "copy (select u.tidemark_n, %s from %s join %s on %s where %s) to stdout"
            .formatted(
                mapping.columns().stream()
                    .map(pair -> DigestPlan.rowHash(List.of(pair), value))
                    .collect(Collectors.joining(", ")),
                unnest(keys),
                relation,
                sameKey(alias, type, name),
                where);
    Map<Integer, long[]> rows = new HashMap<>();
    PgCopyOut answer = session.copyOut(statement);
    for (byte[] line = answer.read(); line != null; line = answer.read()) {
      KeyLine fields = new KeyLine(line);
      int index = (int) fields.number() - 1;
      long[] hashes = new long[mapping.columns().size()];
      for (int i = 0; i < hashes.length; i++) {
        hashes[i] = fields.number();
      }
      rows.put(index, hashes);
    }
    return rows;
  }

  /** Copies the source's rows of these keys out. */
  String sourceCopy(List<RowKey> keys, CopyFormat format) {
    String alias = Sql.name(mapping.source().name().table());
    return "copy (select %s from %s join %s on %s where %s) to stdout (format %s)"
        .formatted(
            mapping.columns().stream()
                .map(pair -> alias + "." + Sql.name(pair.source().name()))
                .collect(Collectors.joining(", ")),
            unnest(keys),
            digests.sourceRelation(),
            sameKey(alias, pair -> pair.source().type(), pair -> pair.source().name()),
            digests.sourceFilter(),
            format.word());
  }

  private String sameKey(String alias, Function<Pair, String> type, Function<Pair, String> name) {
    return IntStream.range(0, mapping.key().size())
        .mapToObj(
            i -> {
              Pair pair = mapping.key().get(i);
              return "%s.%s = u.k%d::%s"
                  .formatted(alias, Sql.name(name.apply(pair)), i, type.apply(pair));
            })
        .collect(Collectors.joining(" and "));
  }

  /** Keys as rows, numbered from 1. */
  private String unnest(List<RowKey> keys) {
    String arrays =
        IntStream.range(0, mapping.key().size())
            .mapToObj(i -> keys.stream().map(key -> key.value(i)).toList())
            .map(values -> Sql.literal(Sql.textArray(values)) + "::text[]")
            .collect(Collectors.joining(", "));
    String names =
        IntStream.range(0, mapping.key().size())
            .mapToObj(i -> "k" + i)
            .collect(Collectors.joining(", "));
    return "unnest(%s) with ordinality as u(%s, tidemark_n)".formatted(arrays, names);
  }
}

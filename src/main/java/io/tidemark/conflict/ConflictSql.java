package io.tidemark.conflict;

import static java.util.stream.Collectors.joining;

import java.util.stream.IntStream;

/**
 * The statements of {@link JdbcConflictLog}. Each takes one text array per column, as {@link
 * JdbcTextColumns} has them, then the arrays of the key's columns, then what its own end names.
 */
final class ConflictSql {
  static final String COUNT_WAITING =
      """
      select count(*)
      from (
        select
        from sync_conflicts
        where configuration_id = ? and status = 'pending'
        limit ?) waiting
      """;

  static final String WAITING =
      """
      select key_values
      from sync_conflicts
      where configuration_id = ? and status = 'pending'
      """;

  static final String HOLDERS =
      """
      select target_row::text
      from sync_conflicts
      where configuration_id = ?
        and status = 'pending'
        and type = 'unique_violation'
        and target_row is not null
      """;

  /** A position as it is written (0/16B3748:3 or 0/16B3748:3+1) as a row that compares. */
  static final String POSITION =
      """
      (split_part(%1$s, ':', 1)::pg_lsn,
       split_part(split_part(%1$s, ':', 2), '+', 1)::int8,
       coalesce(nullif(split_part(%1$s, '+', 2), ''), '0')::int)
      """;

  // INVARIANT: an older change never replaces a newer one. A process that froze and lost its
  // partition may still write here; its target transaction is fenced, but this row is not.
  private static final String IS_NEWER =
      "(c.source_position is null or d.source_position is null or "
          + POSITION.formatted("d.source_position")
          + " >= "
          + POSITION.formatted("c.source_position")
          + ")";

  // Columns that the later row lacks keep what the conflict knew of them.
  private static final String MERGED =
      "case when d.source_row is null then null"
          + " else coalesce(c.source_row, '{}'::jsonb) || d.source_row end";

  private static final String GIVEN =
      """
      with given as (
        select d.id::uuid, d.topic, d.partition::int, d.place::int8 as "offset", d.type, d.status,
               d.resolution, d.row_key::jsonb, d.source_row::jsonb, d.target_row::jsonb,
               d.base_row::jsonb, d.differing::jsonb, d.source_position, array[%1$s] as key_values
        from unnest(%2$s)
          d(id, topic, partition, place, type, status, resolution, row_key, source_row, target_row,
            base_row, differing, source_position, %1$s)),
      owner as (
        select ?::uuid as configuration, ?::text as target_table, ?::text as strategy,
               ?::timestamptz as now)
      """;

  private static final int GIVEN_COLUMNS = 13;

  private ConflictSql() {}

  /**
   * Lets ended conflicts of comparisons give their place to the same difference found anew: what a
   * person decided stays on record, and this is asked again. A row that a person let stand as it is
   * is no new question.
   */
  static String giveWay(int keySize) {
    return given(keySize)
        + """
        update sync_conflicts c
        set "offset" = -1 - (extract(epoch from c.resolved_at) * 1000000)::int8
        from given d, owner o
        where c.configuration_id = o.configuration
          and c.key_values = d.key_values
          and (c.topic, c.partition, c."offset") = (d.topic, d.partition, d."offset")
          and c.partition < 0
          and c.status <> 'pending'
          and c.resolved_by is distinct from 'strategy'
          and c.resolution is distinct from 'target'
        """;
  }

  /** Ends the wait of keys about which the strategy has decided meanwhile. */
  static String supersede(int keySize) {
    return given(keySize)
        + """
        update sync_conflicts c
        set status = 'superseded', resolved_at = o.now
        from given d, owner o
        where c.configuration_id = o.configuration
          and c.key_values = d.key_values
          and c.status = 'pending'
          and d.status <> 'pending'
          and (c.topic, c.partition, c."offset") <> (d.topic, d.partition, d."offset")
        """;
  }

  /** Tells conflicts that wait what is new about them. */
  static String renew(int keySize) {
    return given(keySize)
        + """
        update sync_conflicts c
        set type = d.type,
            source_row = %1$s,
            target_row = d.target_row,
            base_row = coalesce(c.base_row, d.base_row),
            differing_columns = d.differing,
            source_position = coalesce(d.source_position, c.source_position)
        from given d, owner o
        where c.configuration_id = o.configuration
          and c.key_values = d.key_values
          and c.status = 'pending'
          and d.status = 'pending'
          and %2$s
        """
            .formatted(MERGED, IS_NEWER);
  }

  /** Writes the others; a record that a person has decided stays as it is. */
  static String insert(int keySize) {
    return given(keySize)
        + """
        insert into sync_conflicts as c
          (id, configuration_id, topic, partition, "offset", target_table, row_key, key_values,
           type, status, strategy, source_row, target_row, base_row, differing_columns,
           source_position, detected_at, resolved_at, resolved_by, resolution)
        select d.id, o.configuration, d.topic, d.partition, d."offset", o.target_table, d.row_key,
               d.key_values, d.type, d.status, o.strategy, d.source_row, d.target_row, d.base_row,
               d.differing, d.source_position, o.now,
               case when d.status = 'resolved' then o.now end,
               case when d.status = 'resolved' then 'strategy' end,
               d.resolution
        from given d, owner o
        where d.status <> 'pending'
          or not exists (
            select
            from sync_conflicts w
            where w.configuration_id = o.configuration
              and w.key_values = d.key_values
              and w.status = 'pending')
        on conflict on constraint sync_conflicts_place do update
        set type = excluded.type,
            status = excluded.status,
            strategy = excluded.strategy,
            source_row = excluded.source_row,
            target_row = excluded.target_row,
            base_row = excluded.base_row,
            differing_columns = excluded.differing_columns,
            source_position = excluded.source_position,
            resolved_at = excluded.resolved_at,
            resolved_by = excluded.resolved_by,
            resolution = excluded.resolution
        where c.status = 'pending' or c.resolved_by = 'strategy'
        """;
  }

  /** Adds later changes; answers the keys that wait. The last parameter is the configuration. */
  static String join(int keySize) {
    return """
        update sync_conflicts c
        set source_row = case when %4$s then %3$s else c.source_row end,
            source_position = case when %4$s then d.source_position else c.source_position end
        from (
          select d.source_row::jsonb, d.source_position, array[%1$s] as key_values
          from unnest(%2$s) d(source_row, source_position, %1$s)) d
        where c.configuration_id = ?
          and c.key_values = d.key_values
          and c.status = 'pending'
        returning c.key_values
        """
        .formatted(keys(keySize), arrays(2 + keySize), MERGED, IS_NEWER);
  }

  private static String given(int keySize) {
    return GIVEN.formatted(keys(keySize), arrays(GIVEN_COLUMNS + keySize));
  }

  private static String keys(int size) {
    return IntStream.range(0, size).mapToObj(i -> "k" + i).collect(joining(", "));
  }

  private static String arrays(int count) {
    return IntStream.range(0, count).mapToObj(i -> "?::text[]").collect(joining(", "));
  }
}

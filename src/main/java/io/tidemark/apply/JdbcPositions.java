package io.tidemark.apply;

import io.tidemark.change.SourcePosition;
import io.tidemark.postgres.Sql;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The table {@code tidemark.applied_position} of a target database: how far each configuration has
 * taken in each partition of its topic.
 *
 * <p>INVARIANT: a position moves only from the value that its writer read (compare-and-set), in the
 * transaction that writes the rows. So a writer that lost its partition, or was overtaken by a
 * resync, cannot write: its transaction rolls back.
 */
public final class JdbcPositions {
  /** Any fixed number: serialises the creation of the schema across instances. */
  private static final long SCHEMA_LOCK = 0x7469_6465_6D61_726BL;

  private static final String CREATE =
      """
      create schema if not exists tidemark;
      create table if not exists tidemark.applied_position (
        configuration_id uuid not null,
        topic text not null,
        partition int4 not null,
        next_offset int8 not null,
        commit_lsn int8 not null,
        ordinal int8 not null,
        part int4 not null,
        committed_micros int8 not null,
        topic_id uuid,
        updated_at timestamptz not null default now(),
        in_step_since timestamptz not null default clock_timestamp(),
        in_step_transaction xid8,
        turn int8 not null default 0,
        tracking_id text,
        target_name text,
        target_oid oid,
        store_mark int8 not null default 0,
        installation text,
        primary key (configuration_id, topic, partition)
      );
      alter table tidemark.applied_position
        add column if not exists topic_id uuid,
        add column if not exists in_step_since timestamptz not null default clock_timestamp(),
        add column if not exists in_step_transaction xid8,
        add column if not exists turn int8 not null default 0,
        add column if not exists tracking_id text,
        add column if not exists target_name text,
        add column if not exists target_oid oid,
        add column if not exists store_mark int8 not null default 0,
        add column if not exists installation text;
      create table if not exists tidemark.kept_row (
        configuration_id uuid not null,
        key_values text[] not null,
        primary key (configuration_id, key_values)
      )
      """;

  // Looked at first: whoever may write positions need not be allowed to change the table.
  private static final String EXISTS =
      """
      select count(*) = 5 and to_regclass('tidemark.kept_row') is not null
      from pg_catalog.pg_attribute a
      where a.attrelid = to_regclass('tidemark.applied_position')
        and a.attname in ('topic_id', 'in_step_transaction', 'turn', 'target_oid', 'installation')
        and not a.attisdropped
      """;

  private static final String FIND =
      """
      select topic, partition, next_offset, commit_lsn, ordinal, part, committed_micros, topic_id, turn
      from tidemark.applied_position
      where configuration_id = ? and topic = ?
      order by partition
      """;

  private static final String ADVANCE =
      """
      update tidemark.applied_position
      set next_offset = ?, commit_lsn = ?, ordinal = ?, part = ?, committed_micros = ?,
          updated_at = now()
      where configuration_id = ? and topic = ? and partition = ? and next_offset = ?
        and turn = ?
        and target_oid is not distinct from to_regclass(target_name)::oid
      """;

  private static final String SET =
      """
      insert into tidemark.applied_position as p
        (next_offset, commit_lsn, ordinal, part, committed_micros,
         configuration_id, topic, partition, topic_id, tracking_id, target_name, target_oid,
         in_step_since, in_step_transaction, turn)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, to_regclass(?)::oid,
              clock_timestamp(), pg_current_xact_id(), pg_current_xact_id()::text::int8)
      on conflict (configuration_id, topic, partition) do update
      set next_offset = excluded.next_offset, commit_lsn = excluded.commit_lsn,
          ordinal = excluded.ordinal, part = excluded.part,
          committed_micros = excluded.committed_micros, topic_id = excluded.topic_id,
          tracking_id = excluded.tracking_id, target_name = excluded.target_name,
          target_oid = excluded.target_oid,
          updated_at = now(),
          store_mark = 0,
          turn = excluded.turn,
          in_step_since = excluded.in_step_since,
          in_step_transaction = excluded.in_step_transaction
      """;
  // The commit's own time, where the server keeps it: whatever the same transaction wrote has just
  // this time, and is nobody else's. Kept at once, because the server forgets it some day.
  private static final String SETTLE_IN_STEP =
      """
      update tidemark.applied_position
      set in_step_since = pg_catalog.pg_xact_commit_timestamp(in_step_transaction::xid),
          in_step_transaction = null
      where configuration_id = ?
        and topic = ?
        and pg_catalog.pg_xact_commit_timestamp(in_step_transaction::xid) is not null
      """;
  private static final String IN_STEP_SINCE =
      """
      select coalesce(max(in_step_since), 'infinity')::text
      from tidemark.applied_position
      where configuration_id = ? and topic = ?
      """;

  private static final String NOTE_TOPIC =
      """
      update tidemark.applied_position
      set topic_id = ?
      where configuration_id = ? and topic = ? and topic_id is null
      """;

  private static final String OTHER_TARGET =
      """
      select to_regclass(target_name) is null
      from tidemark.applied_position
      where configuration_id = ? and topic = ?
        and target_oid is distinct from to_regclass(target_name)::oid
      limit 1
      """;

  private static final String NOTE_BASIS =
      """
      update tidemark.applied_position
      set tracking_id = ?, target_name = ?, target_oid = to_regclass(?)::oid
      where configuration_id = ? and topic = ? and target_name is null
      """;

  private static final String RENEW =
      """
      update tidemark.applied_position
      set turn = pg_current_xact_id()::text::int8
      where configuration_id = ? and topic = ?
      """;

  private static final String FORGET_MARKS =
      """
      update tidemark.applied_position
      set store_mark = 0
      where configuration_id = ? and store_mark <> 0
      """;

  private static final String HAS_KEPT =
      "select exists (select from tidemark.kept_row where configuration_id = ?)";

  private static final String FORGET_KEPT =
      """
      delete from tidemark.kept_row
      where configuration_id = ?
      """;

  private static final String FORGET =
      """
      delete from tidemark.applied_position
      where configuration_id = ?
      """;

  private final UUID configuration;

  public JdbcPositions(UUID configuration) {
    this.configuration = configuration;
  }

  /** Makes the table if it is not there, in a transaction of its own. */
  public static void ensureTable(Connection connection) throws SQLException {
    boolean autoCommit = connection.getAutoCommit();
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      try (ResultSet exists = statement.executeQuery(EXISTS)) {
        exists.next();
        if (exists.getBoolean(1)) {
          connection.commit();
          return;
        }
      }
      statement.execute("select pg_advisory_xact_lock(" + SCHEMA_LOCK + ")");
      statement.execute(CREATE);
      connection.commit();
    } catch (SQLException e) {
      connection.rollback();
      throw e;
    } finally {
      connection.setAutoCommit(autoCommit);
    }
  }

  /** The position in one partition, or empty if the target has never been in step. */
  public Optional<AppliedPosition> find(Connection connection, String topic, int partition)
      throws SQLException {
    return find(connection, topic).stream().filter(at -> at.partition() == partition).findFirst();
  }

  /** The positions in a topic's partitions. */
  public List<AppliedPosition> find(Connection connection, String topic) throws SQLException {
    return query(connection, FIND, topic);
  }

  /**
   * The positions in a topic's partitions, locked until the transaction ends: nobody moves them
   * meanwhile.
   */
  public List<AppliedPosition> lock(Connection connection, String topic) throws SQLException {
    return query(connection, FIND + "for update", topic);
  }

  private List<AppliedPosition> query(Connection connection, String sql, String topic)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setObject(1, configuration);
      statement.setString(2, topic);
      List<AppliedPosition> positions = new ArrayList<>();
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          positions.add(
              new AppliedPosition(
                  row.getString(1),
                  row.getInt(2),
                  row.getLong(3),
                  new SourcePosition(row.getLong(4), row.getLong(5), row.getInt(6)),
                  row.getLong(7),
                  row.getObject(8, UUID.class),
                  row.getLong(9)));
        }
      }
      return positions;
    }
  }

  /** Moves a position, and answers whether it still stood where the caller believes. */
  public boolean advance(Connection connection, AppliedPosition from, AppliedPosition to)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(ADVANCE)) {
      setPosition(statement, to);
      statement.setLong(9, from.nextOffset());
      statement.setLong(10, from.turn());
      return statement.executeUpdate() == 1;
    }
  }

  /** Sets a position whatever it was: only for whoever holds its lock, or makes the first one. */
  public void set(Connection connection, AppliedPosition to, PositionBasis basis)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(SET)) {
      setPosition(statement, to);
      statement.setObject(9, to.topicId());
      statement.setString(10, basis.trackingId());
      statement.setString(11, Sql.name(basis.target()));
      statement.setString(12, Sql.name(basis.target()));
      statement.executeUpdate();
    }
  }

  /** Notes which topic the positions are in, where an earlier version did not. */
  void noteTopic(Connection connection, String topic, UUID topicId) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(NOTE_TOPIC)) {
      statement.setObject(1, topicId);
      statement.setObject(2, configuration);
      statement.setString(3, topic);
      statement.executeUpdate();
    }
  }

  /** Notes what the positions in a topic depend on, where an earlier version did not. */
  void noteBasis(Connection connection, String topic, PositionBasis basis) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(NOTE_BASIS)) {
      statement.setString(1, basis.trackingId());
      statement.setString(2, Sql.name(basis.target()));
      statement.setString(3, Sql.name(basis.target()));
      statement.setObject(4, configuration);
      statement.setString(5, topic);
      statement.executeUpdate();
    }
  }

  /**
   * Fails if the table that was in sync is not the target table now.
   *
   * @param target what the table is called, for the message
   */
  void requireTarget(Connection connection, String topic, TargetTable target) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(OTHER_TARGET)) {
      statement.setObject(1, configuration);
      statement.setString(2, topic);
      try (ResultSet row = statement.executeQuery()) {
        if (row.next()) {
          throw row.getBoolean(1) ? target.missing() : target.replaced();
        }
      }
    }
  }

  /**
   * Leaves all positions in a topic where they are and yet fences whoever would move one: it has to
   * read them, and what else it knows of the target, anew.
   */
  public void renew(Connection connection, String topic) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(RENEW)) {
      statement.setObject(1, configuration);
      statement.setString(2, topic);
      statement.executeUpdate();
    }
  }

  /** Forgets which records of rows that differ there were: there are none now. */
  public void forgetMarks(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(FORGET_MARKS)) {
      statement.setObject(1, configuration);
      statement.executeUpdate();
    }
  }

  /**
   * Since when the target is in step, as the server writes a timestamp. For a server that tracks
   * commit timestamps.
   */
  String inStepSince(Connection connection, String topic) throws SQLException {
    try (PreparedStatement settle = connection.prepareStatement(SETTLE_IN_STEP)) {
      settle.setObject(1, configuration);
      settle.setString(2, topic);
      settle.executeUpdate();
    }
    try (PreparedStatement since = connection.prepareStatement(IN_STEP_SINCE)) {
      since.setObject(1, configuration);
      since.setString(2, topic);
      try (ResultSet row = since.executeQuery()) {
        row.next();
        return row.getString(1);
      }
    }
  }

  /** Whether a merge has left rows as they were that the source has otherwise. */
  boolean hasKept(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(HAS_KEPT)) {
      statement.setObject(1, configuration);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getBoolean(1);
      }
    }
  }

  /** Forgets which rows a merge has left: all of them are the source's now. */
  public void forgetKept(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(FORGET_KEPT)) {
      statement.setObject(1, configuration);
      statement.executeUpdate();
    }
  }

  /** Forgets all positions of the configuration. */
  public void forget(Connection connection) throws SQLException {
    forgetKept(connection);
    try (PreparedStatement statement = connection.prepareStatement(FORGET)) {
      statement.setObject(1, configuration);
      statement.executeUpdate();
    }
  }

  private void setPosition(PreparedStatement statement, AppliedPosition to) throws SQLException {
    statement.setLong(1, to.nextOffset());
    statement.setLong(2, to.source().commitLsn());
    statement.setLong(3, to.source().ordinal());
    statement.setInt(4, to.source().part());
    statement.setLong(5, to.committedMicros());
    statement.setObject(6, configuration);
    statement.setString(7, to.topic());
    statement.setInt(8, to.partition());
  }
}

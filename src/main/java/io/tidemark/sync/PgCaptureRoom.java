package io.tidemark.sync;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether a source has room for a capture, and leaves it its log.
 *
 * @param hasSlot whether the capture's slot is there already
 * @param isRead whether it is being read now
 * @param freeSlots replication slots that can still be made
 * @param freeSenders sessions that can still begin to read a slot
 * @param keepMax {@code max_slot_wal_keep_size}; -1 for all
 * @param idleMax {@code idle_replication_slot_timeout}; 0 for none; null before PostgreSQL 18
 */
record PgCaptureRoom(
    boolean hasSlot,
    boolean isRead,
    int freeSlots,
    int freeSenders,
    String keepMax,
    @Nullable String idleMax) {
  private static final String FACTS =
      """
      select s.slot_name is not null,
             coalesce(s.active, false),
             current_setting('max_replication_slots')::int
               - (select count(*)::int from pg_catalog.pg_replication_slots),
             current_setting('max_wal_senders')::int
               - (select count(*)::int from pg_catalog.pg_stat_replication),
             current_setting('max_slot_wal_keep_size'),
             current_setting('idle_replication_slot_timeout', true)
      from (values (?)) ours(name)
      left join pg_catalog.pg_replication_slots s on s.slot_name = ours.name
      """;

  static PgCaptureRoom of(Connection connection, String slot) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(FACTS)) {
      statement.setString(1, slot);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return new PgCaptureRoom(
            row.getBoolean(1),
            row.getBoolean(2),
            row.getInt(3),
            row.getInt(4),
            row.getString(5),
            row.getString(6));
      }
    }
  }

  List<Finding> findings(String field) {
    List<Finding> findings = new ArrayList<>();
    if (!hasSlot && freeSlots < 1) {
      findings.add(
          Finding.error(
              field,
              "no_free_slot",
              "all replication slots of the server are taken",
              "Raise max_replication_slots and restart the server, or drop one that nobody reads"));
    }
    if (!isRead && freeSenders < 1) {
      String message = "all walsenders of the server are taken";
      String fix = "Raise max_wal_senders and restart the server";
      findings.add(
          hasSlot
              ? Finding.warning(field, "no_free_walsender", message, fix)
              : Finding.error(field, "no_free_walsender", message, fix));
    }
    if (!keepMax.equals("-1")) {
      findings.add(
          Finding.warning(
              field,
              "slot_may_be_lost",
              "the server removes the log of a capture that is more than " + keepMax + " behind",
              "alter system set max_slot_wal_keep_size = -1, or have it larger than what is"
                  + " written in the longest outage"));
    }
    if (idleMax != null && !idleMax.equals("0")) {
      findings.add(
          Finding.warning(
              field,
              "slot_may_be_lost",
              "the server gives up the slot of a capture that is away for " + idleMax,
              "alter system set idle_replication_slot_timeout = 0, or have it longer than the"
                  + " longest outage"));
    }
    return findings;
  }
}

package io.tidemark.apply;

import io.tidemark.conflict.ConflictLog;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Where an apply loop puts on record what it does not simply write, and asks for what it was not
 * sent.
 *
 * @param parked rows that the target refuses
 * @param conflicts rows that others have written
 * @param newest rows of which the source did not send every value
 * @param whole likewise, where a row filter asks for a value
 * @param captured how far the sources' captures are
 * @param schemas what the tables' columns are to each other under a version of the source's
 */
public record ApplyPorts(
    ParkedRows parked,
    ConflictLog conflicts,
    NewestRows newest,
    WholeRows whole,
    Captured captured,
    PgSchemaMappings schemas) {
  /** Tells how far a connection's capture is. */
  public interface Captured {
    /** An LSN such that everything committed before it is in the topics; empty if none is. */
    OptionalLong upTo(String connection);
  }

  /** For a configuration without a row filter, and tables that stay as they are. */
  ApplyPorts(ParkedRows parked, ConflictLog conflicts, NewestRows newest) {
    this(
        parked,
        conflicts,
        newest,
        keys -> Map.of(),
        connection -> OptionalLong.empty(),
        (schema, position, planned, target) -> planned);
  }
}

package io.tidemark.capture;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.tidemark.capture.WrittenPosition.Phase;
import io.tidemark.change.SourcePosition;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;

/** A written position as the bytes of its topic's record. */
final class PositionJson {
  private static final JsonFactory JSON = new JsonFactory();

  private PositionJson() {}

  static byte[] write(WrittenPosition written) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(256);
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringField("phase", written.phase().name().toLowerCase(Locale.ROOT));
      SlotGeneration generation = written.generation();
      if (generation != null) {
        json.writeStringField("system", generation.system());
        json.writeNumberField("timeline", generation.timeline());
        json.writeStringField("slot", generation.slot());
      }
      json.writeNumberField("since_lsn", written.sinceLsn());
      json.writeNumberField("commit_lsn", written.position().commitLsn());
      json.writeNumberField("ordinal", written.position().ordinal());
      json.writeNumberField("part", written.position().part());
      json.writeNumberField("committed_us", written.committedMicros());
      json.writeNumberField("written_ms", written.writtenMillis());
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  static WrittenPosition read(byte[] bytes) throws IOException {
    String phase = "";
    String system = null;
    String slot = null;
    long timeline = 0;
    long sinceLsn = 0;
    long commitLsn = 0;
    long ordinal = 0;
    int part = 0;
    long committedMicros = 0;
    long writtenMillis = 0;
    try (JsonParser json = JSON.createParser(bytes)) {
      if (json.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException("a position is a JSON object");
      }
      for (String name = json.nextFieldName(); name != null; name = json.nextFieldName()) {
        json.nextToken();
        switch (name) {
          case "phase" -> phase = json.getText();
          case "system" -> system = json.getText();
          case "timeline" -> timeline = json.getLongValue();
          case "slot" -> slot = json.getText();
          case "since_lsn" -> sinceLsn = json.getLongValue();
          case "commit_lsn" -> commitLsn = json.getLongValue();
          case "ordinal" -> ordinal = json.getLongValue();
          case "part" -> part = json.getIntValue();
          case "committed_us" -> committedMicros = json.getLongValue();
          case "written_ms" -> writtenMillis = json.getLongValue();
          default -> json.skipChildren();
        }
      }
    }
    SlotGeneration generation =
        system == null || slot == null ? null : new SlotGeneration(system, timeline, slot);
    return new WrittenPosition(
        phaseOf(phase),
        generation,
        sinceLsn,
        new SourcePosition(commitLsn, ordinal, part),
        committedMicros,
        writtenMillis);
  }

  private static Phase phaseOf(String text) throws IOException {
    for (Phase phase : Phase.values()) {
      if (phase.name().toLowerCase(Locale.ROOT).equals(text)) {
        return phase;
      }
    }
    throw new IOException("a position has no phase '" + text + "'");
  }
}

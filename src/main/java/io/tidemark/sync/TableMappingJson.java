package io.tidemark.sync;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Optional;

/** A mapping as a JSON document, for whoever has to go on while a database is away. */
final class TableMappingJson {
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          // Questions that a record answers are not parts of it.
          .disable(MapperFeature.AUTO_DETECT_IS_GETTERS)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  private TableMappingJson() {}

  static String write(TableMapping mapping) {
    try {
      return JSON.writeValueAsString(mapping);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a mapping is data and can be written", e);
    }
  }

  /** Empty if another version wrote it in a form that this one cannot read. */
  static Optional<TableMapping> read(String document) {
    try {
      return Optional.of(JSON.readValue(document, TableMapping.class));
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }
}

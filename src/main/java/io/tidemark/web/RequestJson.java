package io.tidemark.web;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.sync.FieldsJson;
import io.tidemark.sync.Refusal;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads request bodies. By hand rather than by binding to classes, because the user is told where
 * and what is wrong, all of it, in the API's own words.
 */
final class RequestJson {
  /** A definition with every field at its bound is far smaller. */
  private static final int BODY_BYTES_MAX = 256 * 1024;

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  private RequestJson() {}

  /** The JSON object in a body. */
  static ObjectNode object(byte @Nullable [] body) {
    return object(body, "the body");
  }

  /**
   * The JSON object in a text.
   *
   * @param what the text is, in a refusal's words
   */
  static ObjectNode object(byte @Nullable [] body, String what) {
    if (body == null || body.length == 0) {
      throw ProblemException.malformed(what + " is empty; send a JSON object");
    }
    if (body.length > BODY_BYTES_MAX) {
      throw ProblemException.tooLarge(BODY_BYTES_MAX);
    }
    JsonNode node;
    try {
      node = JSON.readTree(body);
    } catch (JsonProcessingException e) {
      throw ProblemException.malformed(what + " is not valid JSON" + place(e.getLocation()));
    } catch (IOException e) {
      throw ProblemException.malformed(what + " is not valid UTF-8");
    }
    if (!(node instanceof ObjectNode object)) {
      throw ProblemException.malformed(what + " is JSON, but not an object: {…}");
    }
    return object;
  }

  /**
   * The JSON object in a body that may be left out. Without one there is no content type to speak
   * of, so it is only looked at when there is one.
   */
  static ObjectNode optional(byte[] body, HttpHeaders headers) {
    MediaType type = headers.getMediaType();
    if (type == null || !MediaType.APPLICATION_JSON_TYPE.isCompatible(type)) {
      throw ProblemException.mediaType("send the body as Content-Type: application/json");
    }
    return object(body);
  }

  // The parser's own message quotes the body, which may hold a password.
  private static String place(@Nullable JsonLocation location) {
    return location == null
        ? ""
        : ", at line " + location.getLineNr() + ", column " + location.getColumnNr();
  }

  /** Ends the request if anything is wrong with its fields. */
  static void requireValid(FieldsJson fields) {
    var errors = fields.errors();
    if (!errors.isEmpty()) {
      throw new ProblemException(Refusal.invalid(errors));
    }
  }

  /** Changes a document as RFC 7396 says: null removes, objects merge, all else replaces. */
  static ObjectNode merged(ObjectNode document, ObjectNode patch) {
    ObjectNode result = document.deepCopy();
    for (Map.Entry<String, JsonNode> field : patch.properties()) {
      JsonNode value = field.getValue();
      if (value.isNull()) {
        result.remove(field.getKey());
      } else if (value instanceof ObjectNode inner) {
        ObjectNode before =
            result.get(field.getKey()) instanceof ObjectNode old ? old : JSON.createObjectNode();
        result.set(field.getKey(), merged(before, inner));
      } else {
        result.set(field.getKey(), value);
      }
    }
    return result;
  }
}

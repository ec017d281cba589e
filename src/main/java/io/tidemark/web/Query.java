package io.tidemark.web;

import io.tidemark.change.WireName;
import io.tidemark.sync.FieldError;
import io.tidemark.sync.PageCursor;
import io.tidemark.sync.PageRequest;
import io.tidemark.sync.Refusal;
import jakarta.ws.rs.core.UriInfo;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads query parameters. One that is misspelled would silently filter nothing, so unknown ones are
 * refused like unknown fields.
 */
final class Query {
  private static final Pattern UUID_TEXT =
      Pattern.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");

  private final UriInfo uri;
  private final Set<String> known = new LinkedHashSet<>();
  private final List<FieldError> errors = new ArrayList<>();

  Query(UriInfo uri) {
    this.uri = uri;
  }

  void refuse(String parameter, String message) {
    errors.add(new FieldError(parameter, message));
  }

  @Nullable String text(String parameter) {
    known.add(parameter);
    String value = uri.getQueryParameters().getFirst(parameter);
    if (value != null && value.indexOf('\0') >= 0) {
      refuse(parameter, "'" + parameter + "' holds a NUL character");
      return null;
    }
    return value;
  }

  @Nullable Boolean flag(String parameter) {
    String value = text(parameter);
    if (value == null) {
      return null;
    }
    if (!value.equals("true") && !value.equals("false")) {
      refuse(parameter, "'" + parameter + "' is true or false");
    }
    return value.equals("true");
  }

  <E extends Enum<E>> @Nullable E choice(String parameter, Class<E> type) {
    String value = text(parameter);
    if (value == null) {
      return null;
    }
    Optional<E> found = WireName.find(type, value);
    if (found.isEmpty()) {
      refuse(parameter, "'" + parameter + "' is one of: " + WireName.listOf(type));
    }
    return found.orElse(null);
  }

  @Nullable UUID uuid(String parameter) {
    String value = text(parameter);
    if (value == null) {
      return null;
    }
    if (!UUID_TEXT.matcher(value).matches()) {
      refuse(parameter, "'" + parameter + "' is a UUID");
      return null;
    }
    return UUID.fromString(value);
  }

  PageRequest page() {
    return new PageRequest(limit(), cursor());
  }

  int limit() {
    String value = text("limit");
    if (value == null) {
      return PageRequest.LIMIT_DEFAULT;
    }
    try {
      int limit = Integer.parseInt(value);
      if (limit >= 1 && limit <= PageRequest.LIMIT_MAX) {
        return limit;
      }
    } catch (NumberFormatException notANumber) {
      // Refused below, as a number out of bounds is.
    }
    refuse("limit", "'limit' is a whole number from 1 to " + PageRequest.LIMIT_MAX);
    return PageRequest.LIMIT_DEFAULT;
  }

  private @Nullable PageCursor cursor() {
    String value = text("cursor");
    if (value == null) {
      return null;
    }
    Optional<PageCursor> cursor = PageCursor.parse(value);
    if (cursor.isEmpty()) {
      refuse("cursor", "'cursor' is not one that 'next' gave");
    }
    return cursor.orElse(null);
  }

  /** Ends the request if anything is wrong, after the last parameter was read. */
  void requireValid() {
    for (String parameter : uri.getQueryParameters().keySet()) {
      if (!known.contains(parameter)) {
        refuse(
            parameter,
            "unknown parameter '" + parameter + "'; known are: " + String.join(", ", known));
      }
    }
    if (!errors.isEmpty()) {
      throw new ProblemException(Refusal.invalid(errors));
    }
  }

  static boolean isUuid(String text) {
    return UUID_TEXT.matcher(text).matches();
  }

  /** An id in a path: what is no UUID cannot be the id of anything. */
  static UUID id(String what, String text) {
    if (!UUID_TEXT.matcher(text).matches()) {
      throw ProblemException.unknown("there is no " + what + " '" + text + "'");
    }
    return UUID.fromString(text);
  }
}

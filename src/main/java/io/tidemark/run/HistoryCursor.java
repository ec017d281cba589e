package io.tidemark.run;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * From where on a search for earlier changes of a row goes on. Opaque to users.
 *
 * @param there by partition of the source's topic, the offset before which nothing was searched
 * @param back likewise of the target's topic, where changes flow both ways
 */
public record HistoryCursor(Map<Integer, Long> there, Map<Integer, Long> back) {
  private static final Pattern PLACE = Pattern.compile("([tb])(\\d{1,9}):(\\d{1,18})");

  public HistoryCursor {
    there = Map.copyOf(there);
    back = Map.copyOf(back);
  }

  boolean isEnd() {
    return there.isEmpty() && back.isEmpty();
  }

  String text() {
    List<String> places = new ArrayList<>();
    new TreeMap<>(there).forEach((partition, to) -> places.add("t" + partition + ":" + to));
    new TreeMap<>(back).forEach((partition, to) -> places.add("b" + partition + ":" + to));
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(String.join(",", places).getBytes(StandardCharsets.US_ASCII));
  }

  /** Reads {@link #text} back; empty if it is none. */
  public static Optional<HistoryCursor> parse(String text) {
    String decoded;
    try {
      decoded = new String(Base64.getUrlDecoder().decode(text), StandardCharsets.US_ASCII);
    } catch (IllegalArgumentException notBase64) {
      return Optional.empty();
    }
    Map<Integer, Long> there = new TreeMap<>();
    Map<Integer, Long> back = new TreeMap<>();
    for (String place : decoded.split(",", -1)) {
      Matcher matcher = PLACE.matcher(place);
      if (!matcher.matches()) {
        return Optional.empty();
      }
      (matcher.group(1).equals("t") ? there : back)
          .put(Integer.parseInt(matcher.group(2)), Long.parseLong(matcher.group(3)));
    }
    return Optional.of(new HistoryCursor(there, back));
  }
}

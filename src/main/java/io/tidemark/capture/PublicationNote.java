package io.tidemark.capture;

import io.tidemark.change.TableName;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What the comment on a publication says, for every instance to know.
 *
 * @param tracked the names under which tables were tracked; one that was renamed since is published
 *     under another
 * @param pending tables whose former writers were not seen to end
 */
record PublicationNote(Set<TableName> tracked, Set<TableName> pending) {
  private static final String TRACKED = "tidemark, tracks: ";
  private static final String PENDING = "waiting for writers of: ";

  /** Control characters that nobody puts into a name. */
  private static final String BETWEEN_NAMES = "\u001f";

  private static final String BETWEEN_PARTS = "\u001e";

  PublicationNote {
    tracked = Set.copyOf(tracked);
    pending = Set.copyOf(pending);
  }

  /** What a comment says; nothing if it is not one of ours. */
  static PublicationNote parse(@Nullable String comment) {
    if (comment == null || !comment.startsWith(TRACKED)) {
      return new PublicationNote(Set.of(), Set.of());
    }
    String[] parts = comment.substring(TRACKED.length()).split(BETWEEN_PARTS, 2);
    Set<TableName> pending =
        parts.length == 2 && parts[1].startsWith(PENDING)
            ? names(parts[1].substring(PENDING.length()))
            : Set.of();
    return new PublicationNote(names(parts[0]), pending);
  }

  private static Set<TableName> names(String text) {
    return text.isEmpty()
        ? Set.of()
        : Arrays.stream(text.split(BETWEEN_NAMES, -1))
            .map(TableName::parse)
            .collect(Collectors.toSet());
  }

  String text() {
    String waiting = pending.isEmpty() ? "" : BETWEEN_PARTS + PENDING + joined(pending);
    return TRACKED + joined(tracked) + waiting;
  }

  private static String joined(Set<TableName> names) {
    return new TreeSet<>(names)
        .stream().map(TableName::toString).collect(Collectors.joining(BETWEEN_NAMES));
  }

  PublicationNote tracking(TableName table) {
    return new PublicationNote(with(tracked, table), pending);
  }

  PublicationNote waitingFor(TableName table) {
    return new PublicationNote(tracked, with(pending, table));
  }

  PublicationNote settled(TableName table) {
    Set<TableName> others = new TreeSet<>(pending);
    others.remove(table);
    return new PublicationNote(tracked, others);
  }

  /** Without the tables that are no longer to be captured. */
  PublicationNote keeping(Set<TableName> remaining) {
    return new PublicationNote(common(tracked, remaining), common(pending, remaining));
  }

  private static Set<TableName> with(Set<TableName> tables, TableName table) {
    Set<TableName> more = new TreeSet<>(tables);
    more.add(table);
    return more;
  }

  private static Set<TableName> common(Set<TableName> tables, Set<TableName> others) {
    Set<TableName> both = new TreeSet<>(tables);
    both.retainAll(others);
    return both;
  }
}

package io.tidemark.capture;

import io.tidemark.change.TableName;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the comment on a publication says, so that every instance knows it.
 *
 * @param tables the tracked tables, by the name under which they were tracked; one that was renamed
 *     since has another name in the publication
 * @param pending tables whose former writers were not seen to end
 * @param version of the publication after Tidemark last altered it: the {@code xmin} of its row in
 *     {@code pg_publication}. Any other value means that somebody else altered it. Null in a note
 *     of an earlier release.
 */
record PublicationNote(
    Map<TableName, Tracked> tables, Set<TableName> pending, @Nullable String version) {
  private static final String TRACKED = "tidemark, tracks: ";
  private static final String PENDING = "waiting for writers of: ";
  private static final String VERSION = "version: ";

  /** Control characters that nobody puts into a name. */
  private static final String BETWEEN_FIELDS = "\u001d";

  private static final String BETWEEN_NAMES = "\u001f";
  private static final String BETWEEN_PARTS = "\u001e";
  private static final String BETWEEN_PARTITIONS = " ";
  private static final String BEFORE_TRANSACTION = ":";

  /** In a note of an earlier release: the partitions are missing. */
  private static final int FIELDS_WITHOUT_PARTITIONS = 4;

  private static final int FIELDS = 5;

  /**
   * One uninterrupted tracking of a table.
   *
   * @param id names it; a table that is tracked again, because changes may have been missed, gets
   *     another one. Empty in a note of an earlier release.
   * @param member oid of its row in {@code pg_publication_rel}: removing the table from the
   *     publication, or changing its row filter or column list, replaces that row
   * @param table oid of the table
   * @param partitions its partitions and theirs, by oid, with the transaction that attached each:
   *     what a partition holds when it is attached or detached is in no change. Null in a note of
   *     an earlier release
   */
  record Tracked(String id, long member, long table, @Nullable Map<Long, Long> partitions) {
    private static final Tracked UNKNOWN = new Tracked("", 0, 0, null);

    boolean isKnown() {
      return !id.isEmpty();
    }

    Tracked as(String newId) {
      return new Tracked(newId, member, table, partitions);
    }

    Tracked with(Map<Long, Long> newPartitions) {
      return new Tracked(id, member, table, newPartitions);
    }
  }

  PublicationNote {
    tables = Map.copyOf(tables);
    pending = Set.copyOf(pending);
  }

  static PublicationNote empty() {
    return new PublicationNote(Map.of(), Set.of(), null);
  }

  /** What a comment says; nothing if it is not one of ours. */
  static PublicationNote parse(@Nullable String comment) {
    if (comment == null || !comment.startsWith(TRACKED)) {
      return empty();
    }
    String[] parts = comment.substring(TRACKED.length()).split(BETWEEN_PARTS, -1);
    Set<TableName> pending = new TreeSet<>();
    String version = null;
    for (String part : Arrays.asList(parts).subList(1, parts.length)) {
      if (part.startsWith(PENDING)) {
        split(part.substring(PENDING.length())).map(TableName::parse).forEach(pending::add);
      } else if (part.startsWith(VERSION)) {
        version = part.substring(VERSION.length());
      }
    }
    Map<TableName, Tracked> tables = new TreeMap<>();
    split(parts[0])
        .map(table -> table.split(BETWEEN_FIELDS, -1))
        .forEach(fields -> tables.put(TableName.parse(fields[0]), tracked(fields)));
    return new PublicationNote(tables, pending, version);
  }

  private static Stream<String> split(String names) {
    return names.isEmpty() ? Stream.empty() : Arrays.stream(names.split(BETWEEN_NAMES, -1));
  }

  private static Tracked tracked(String[] fields) {
    if (fields.length < FIELDS_WITHOUT_PARTITIONS) {
      return Tracked.UNKNOWN;
    }
    return new Tracked(
        fields[1],
        Long.parseLong(fields[2]),
        Long.parseLong(fields[3]),
        fields.length < FIELDS ? null : partitions(fields[4]));
  }

  private static Map<Long, Long> partitions(String text) {
    return text.isEmpty()
        ? Map.of()
        : Arrays.stream(text.split(BETWEEN_PARTITIONS))
            .map(one -> one.split(BEFORE_TRANSACTION))
            .collect(Collectors.toMap(one -> Long.valueOf(one[0]), one -> Long.valueOf(one[1])));
  }

  String text() {
    String tracked =
        new TreeMap<>(tables)
            .entrySet().stream()
                .map(entry -> text(entry.getKey(), entry.getValue()))
                .collect(Collectors.joining(BETWEEN_NAMES));
    String waiting =
        pending.isEmpty()
            ? ""
            : BETWEEN_PARTS
                + PENDING
                + new TreeSet<>(pending)
                    .stream().map(TableName::toString).collect(Collectors.joining(BETWEEN_NAMES));
    return TRACKED + tracked + waiting + (version == null ? "" : BETWEEN_PARTS + VERSION + version);
  }

  private static String text(TableName name, Tracked tracked) {
    if (!tracked.isKnown()) {
      return name.toString();
    }
    String known =
        String.join(
            BETWEEN_FIELDS,
            name.toString(),
            tracked.id(),
            Long.toString(tracked.member()),
            Long.toString(tracked.table()));
    Map<Long, Long> partitions = tracked.partitions();
    return partitions == null
        ? known
        : known
            + BETWEEN_FIELDS
            + new TreeMap<>(partitions)
                .entrySet().stream()
                    .map(one -> one.getKey() + BEFORE_TRANSACTION + one.getValue())
                    .collect(Collectors.joining(BETWEEN_PARTITIONS));
  }

  Optional<Tracked> find(TableName table) {
    return Optional.ofNullable(tables.get(table));
  }

  /** Whether this release has written it. */
  boolean isComplete() {
    return version != null
        && tables.values().stream().allMatch(one -> one.isKnown() && one.partitions() != null);
  }

  /** The name under which the table with this oid is tracked. */
  Optional<TableName> nameOf(long table) {
    return tables.entrySet().stream()
        .filter(entry -> entry.getValue().table() == table)
        .map(Map.Entry::getKey)
        .findFirst();
  }

  /** With a table that is tracked from now on; its former writers are yet to end. */
  PublicationNote tracking(TableName table, Tracked as) {
    Map<TableName, Tracked> more = new TreeMap<>(tables);
    more.values().removeIf(other -> other.isKnown() && other.table() == as.table());
    more.put(table, as);
    Set<TableName> waiting = new TreeSet<>(pending);
    waiting.retainAll(more.keySet());
    waiting.add(table);
    return new PublicationNote(more, waiting, version);
  }

  /** With other ids for all tables: changes of any of them may have been missed. */
  PublicationNote trackingAgain(Supplier<String> ids) {
    Map<TableName, Tracked> again = new TreeMap<>();
    tables.forEach((name, one) -> again.put(name, one.as(ids.get())));
    return new PublicationNote(again, pending, version);
  }

  PublicationNote settled(TableName table) {
    Set<TableName> others = new TreeSet<>(pending);
    others.remove(table);
    return new PublicationNote(tables, others, version);
  }

  PublicationNote at(String newVersion) {
    return new PublicationNote(tables, pending, newVersion);
  }

  /** Without the tables that are no longer to be captured. */
  PublicationNote keeping(Set<TableName> remaining) {
    Map<TableName, Tracked> kept = new TreeMap<>(tables);
    kept.keySet().retainAll(remaining);
    Set<TableName> waiting = new TreeSet<>(pending);
    waiting.retainAll(remaining);
    return new PublicationNote(kept, waiting, version);
  }
}

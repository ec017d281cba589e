package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.capture.PublicationNote.Tracked;
import io.tidemark.change.TableName;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("unit")
class PublicationNoteTest {
  private static final TableName T = new TableName("public", "t");
  private static final TableName ODD = new TableName("Odd \"Schema\".x", "Tab.le, it's");
  private static final Tracked FIRST = new Tracked("a-1", 16_500, 16_400, Map.of());
  private static final Tracked SECOND =
      new Tracked(
          "b-2",
          4_000_000_000L,
          3_000_000_000L,
          Map.of(16_600L, 731L, 4_000_000_001L, 4_000_000_002L));

  private static PublicationNote parsed(PublicationNote note) {
    return PublicationNote.parse(note.text());
  }

  @Test
  void readsWhatItWrote() {
    PublicationNote note =
        PublicationNote.parse(null).tracking(T, FIRST).tracking(ODD, SECOND).at("4711");

    assertThat(parsed(note)).isEqualTo(note);
    assertThat(note.isComplete()).isTrue();
    assertThat(parsed(note.settled(T)).pending()).containsExactly(ODD);
    assertThat(parsed(note.settled(T).settled(ODD)).tables().keySet())
        .containsExactlyInAnyOrder(T, ODD);
    assertThat(parsed(note.keeping(Set.of(T))))
        .isEqualTo(new PublicationNote(Map.of(T, FIRST), Set.of(T), "4711"));
    assertThat(parsed(PublicationNote.empty())).isEqualTo(PublicationNote.empty());
  }

  @Test
  void takesCommentsOfOthersForNone() {
    assertThat(PublicationNote.parse("the shop's tables")).isEqualTo(PublicationNote.empty());
  }

  @Test
  void readsTheNamesThatAnEarlierReleaseWrote() {
    PublicationNote note =
        PublicationNote.parse(
            "tidemark, tracks: public.t\u001fpublic.u\u001ewaiting for writers of: public.t");

    assertThat(note.tables().keySet()).containsExactlyInAnyOrder(T, new TableName("public", "u"));
    assertThat(note.pending()).containsExactly(T);
    assertThat(note.isComplete()).isFalse();
    assertThat(parsed(note)).isEqualTo(note);
  }

  @Test
  void aTableIsTrackedUnderOneNameOnly() {
    TableName renamed = new TableName("public", "renamed");

    PublicationNote note =
        PublicationNote.empty()
            .tracking(T, FIRST)
            .tracking(renamed, new Tracked("c", 1, 16_400, Map.of()));

    assertThat(note.tables().keySet()).containsExactly(renamed);
    assertThat(note.pending()).containsExactly(renamed);
    assertThat(note.nameOf(16_400)).contains(renamed);
  }

  @Test
  void everyTableGetsAnotherIdOnceChangesMayBeMissing() {
    PublicationNote note =
        PublicationNote.empty().tracking(T, FIRST).tracking(ODD, SECOND).trackingAgain(() -> "n");

    assertThat(note.tables()).isEqualTo(Map.of(T, FIRST.as("n"), ODD, SECOND.as("n")));
  }
}

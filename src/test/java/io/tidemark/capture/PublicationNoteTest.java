package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.change.TableName;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("unit")
class PublicationNoteTest {
  private static final TableName T = new TableName("public", "t");
  private static final TableName ODD = new TableName("Odd; schema", "a\nb, \"c\"");

  @Test
  void readsWhatItWrote() {
    PublicationNote note =
        PublicationNote.parse(null).tracking(T).waitingFor(T).tracking(ODD).waitingFor(ODD);

    assertThat(PublicationNote.parse(note.text())).isEqualTo(note);
    assertThat(PublicationNote.parse(note.settled(T).text()).pending()).containsExactly(ODD);
    assertThat(PublicationNote.parse(note.settled(T).settled(ODD).text()).tracked())
        .containsExactlyInAnyOrder(T, ODD);
    assertThat(PublicationNote.parse(note.keeping(Set.of(T)).text()))
        .isEqualTo(new PublicationNote(Set.of(T), Set.of(T)));
  }

  @Test
  void readsNothingOutOfSomebodyElsesComment() {
    assertThat(PublicationNote.parse("the shop's tables"))
        .isEqualTo(new PublicationNote(Set.of(), Set.of()));
  }
}

package io.tidemark.apply;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.change.Change;
import io.tidemark.change.ChangeSource;
import io.tidemark.change.Row;
import io.tidemark.change.RowKey;
import io.tidemark.change.RowShape;
import io.tidemark.change.SourcePosition;
import io.tidemark.change.TableName;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.TableShape;
import io.tidemark.sync.DeleteHandling;
import io.tidemark.sync.TableMapping;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("unit")
final class BatchTest {
  private static final TableName TABLE = new TableName("public", "t");
  private static final RowShape SHAPE = RowShape.ofText(List.of("id", "a", "b"));
  private static final RowShape KEY = RowShape.ofText(List.of("id"));

  private final List<TopicChange> changes = new ArrayList<>();

  @Test
  void keepsTheLastStateOfEachKey() {
    insert("1", "x", "y");
    update("1", "z", "y");
    insert("2", "p", "q");
    delete("2");

    List<RowEdit> edits = onlyRows().edits();

    assertThat(edits.get(0).put().values()[1]).isEqualTo("z");
    assertThat(edits.get(1)).matches(RowEdit::isDeletion).matches(hasKey("2"));
  }

  @Test
  void fillsWhatWasNotSentFromTheSameBatch() {
    insert("1", "large", "y");
    update("1", Row.ABSENT, "z");

    assertThat(onlyRows().edits())
        .singleElement()
        .extracting(edit -> edit.put().values())
        .isEqualTo(new String[] {"1", "large", "z"});
  }

  @Test
  void leavesWhatNobodySentToTheTarget() {
    update("1", Row.ABSENT, "z");

    assertThat(onlyRows().edits()).singleElement().matches(edit -> !edit.put().isComplete());
  }

  @Test
  void doesNotFillFromARowThatWasDeletedBetween() {
    insert("1", "old", "y");
    delete("1");
    insert("1", "new", "z");

    assertThat(onlyRows().edits())
        .singleElement()
        .extracting(edit -> edit.put().values()[1])
        .isEqualTo("new");
  }

  @Test
  void expectsOfTheTargetWhatTheFirstChangeOfAKeySays() {
    update("1", "x", "y");
    delete("1");
    insert("1", "z", "y");
    insert("2", "x", "y");
    update("2", "z", "y");

    assertThat(onlyRows().edits())
        .extracting(RowEdit::expected)
        .containsExactly(RowEdit.Expected.PRESENT, RowEdit.Expected.ABSENT);
    assertThat(onlyRows().edits())
        .extracting(edit -> edit.first().offset())
        .containsExactly(0L, 3L);
  }

  @Test
  void setsApartTheLastStateOfKeysThatWait() {
    update("1", "x", "y");
    update("2", "x", "y");
    update("1", Row.ABSENT, "z");

    Batch.Plan plan = planWaitingFor("1");

    assertThat(plan.later())
        .singleElement()
        .extracting(edit -> edit.put().values())
        .isEqualTo(new String[] {"1", "x", "z"});
    assertThat(((Step.Rows) plan.steps().get(0)).edits()).singleElement().matches(hasKey("2"));
  }

  @Test
  void keyChangeOfAKeyThatWaitsIsADeleteAndAnInsert() {
    move("1", "2", "x", "y");

    Batch.Plan plan = planWaitingFor("1");

    assertThat(plan.later()).singleElement().matches(RowEdit::isDeletion).matches(hasKey("1"));
    assertThat(((Step.Rows) plan.steps().get(0)).edits()).singleElement().matches(hasKey("2"));
  }

  @Test
  void truncateTellsKeysThatWaitThatTheirRowIsGone() {
    add(new Change.Truncate(source()));

    assertThat(planWaitingFor("1").later()).singleElement().matches(RowEdit::isDeletion);
  }

  @Test
  void truncateCutsTheRun() {
    insert("1", "x", "y");
    add(new Change.Truncate(source()));
    insert("2", "x", "y");

    assertThat(steps()).hasSize(3).element(1).isInstanceOf(Step.Truncate.class);
  }

  @Test
  void keyChangeIsOneMoveInItsPlace() {
    update("1", "x", "y");
    move("1", "9", "x", "y");
    update("9", "z", "y");

    List<Step> steps = steps();

    assertThat(steps).hasSize(3);
    assertThat(((Step.Moves) steps.get(1)).moves())
        .singleElement()
        .matches(move -> move.oldKey().equals(RowKey.of("1")))
        .matches(move -> move.row().key().equals(RowKey.of("9")));
  }

  @Test
  void movesThatShareAKeyStayInOrder() {
    move("1", "-1", "x", "y");
    move("2", "1", "p", "q");
    move("-1", "2", "x", "y");

    assertThat(steps()).hasSize(3);
  }

  @Test
  void movesThatShareNoKeyAreOneStep() {
    move("1", "11", "x", "y");
    move("2", "12", "p", "q");

    assertThat(steps()).singleElement().isInstanceOf(Step.Moves.class);
  }

  @Test
  void ignoresDeletesAndTruncatesWhenToldSo() {
    delete("1");
    add(new Change.Truncate(source()));
    move("2", "3", "x", "y");

    assertThat(Batch.steps(changes, new Projection(mapping()), DeleteHandling.IGNORE))
        .singleElement()
        .isInstanceOf(Step.Moves.class);
  }

  private void insert(String id, String a, String b) {
    add(new Change.Insert(source(), Row.of(SHAPE, id, a, b)));
  }

  private void update(String id, String a, String b) {
    add(new Change.Update(source(), null, Row.of(SHAPE, id, a, b)));
  }

  private void delete(String id) {
    add(new Change.Delete(source(), Row.of(KEY, id)));
  }

  private void move(String from, String to, String a, String b) {
    add(new Change.Delete(source(), Row.of(KEY, from), Row.of(KEY, to)));
    add(new Change.Insert(source(), Row.of(SHAPE, to, a, b), Row.of(KEY, from)));
  }

  private void add(Change change) {
    changes.add(new TopicChange(change, changes.size()));
  }

  private List<Step> steps() {
    return Batch.steps(changes, new Projection(mapping()), DeleteHandling.APPLY);
  }

  private Batch.Plan planWaitingFor(String id) {
    return Batch.plan(
        changes, new Projection(mapping()), DeleteHandling.APPLY, Set.of(RowKey.of(id)));
  }

  private static Predicate<RowEdit> hasKey(String id) {
    return edit -> edit.key().equals(RowKey.of(id));
  }

  private Step.Rows onlyRows() {
    List<Step> steps = steps();
    assertThat(steps).hasSize(1);
    return (Step.Rows) steps.get(0);
  }

  private ChangeSource source() {
    SourcePosition position = new SourcePosition(100, changes.size(), 0);
    return new ChangeSource("source", "db", TABLE, position, 7, 99, 0, null, null);
  }

  private static TableMapping mapping() {
    List<TableMapping.Pair> columns =
        SHAPE.columns().stream()
            .map(
                name ->
                    new ColumnShape(
                        name,
                        "text",
                        "text",
                        25,
                        ColumnShape.Nullability.NULLABLE,
                        ColumnShape.Generation.WRITTEN))
            .map(column -> new TableMapping.Pair(column, column))
            .toList();
    TableShape shape =
        new TableShape(
            TABLE,
            1,
            'r',
            'p',
            'd',
            columns.stream().map(TableMapping.Pair::target).toList(),
            List.of("id"),
            -1);
    return new TableMapping(shape, shape, columns, columns.subList(0, 1), null);
  }
}

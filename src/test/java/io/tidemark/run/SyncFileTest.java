package io.tidemark.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Await;
import io.tidemark.TestStack;
import io.tidemark.declared.Change;
import io.tidemark.declared.Change.Action;
import io.tidemark.declared.Declared;
import io.tidemark.declared.Kind;
import io.tidemark.declared.SyncFile;
import io.tidemark.declared.SyncFileLoop;
import io.tidemark.sync.JdbcSyncConfigurations;
import io.tidemark.sync.PageRequest;
import io.tidemark.sync.SyncState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The sync file over the real engine: what is there becomes what it declares. */
@Tag("engine")
class SyncFileTest {
  private static final String BOTH =
      """
      configurations:
        - {name: a, source_table: a, target_table: a, sync_strategy: incremental}
        - {name: b, source_table: b, target_table: b, sync_strategy: incremental}
      orchestrations:
        - {name: all, configurations: [b, a]}
      """;

  private static final String ONE =
      """
      configurations:
        - {name: a, source_table: a, target_table: a, sync_strategy: incremental, batch_size: 77}
      """;

  @TempDir private Path directory;
  private static final Map<String, String> SETTINGS = Map.of("PASSWORD", "sEcReT");

  private final EngineFixture fixture = new EngineFixture();
  private SyncFile file;
  private SyncFileLoop loop;

  @BeforeEach
  void start() throws IOException {
    for (String table : List.of("a", "b", "c")) {
      for (var database : List.of(fixture.source, fixture.target)) {
        TestStack.execute(database, "create table " + table + " (id int primary key)");
      }
    }
    fixture.start();
    file = at("syncs.yaml");
    declare("configurations: []");
    run();
  }

  private SyncFile at(String name) {
    return new SyncFile(
        directory.resolve(name), setting -> Optional.ofNullable(SETTINGS.get(setting)));
  }

  private void run() {
    loop =
        new SyncFileLoop(
            file,
            fixture.declared(),
            Clock.systemUTC(),
            Duration.ofMillis(50),
            Duration.ofMillis(500));
    loop.start();
  }

  @AfterEach
  void stop() {
    loop.close();
    fixture.close();
  }

  private void declare(String text) throws IOException {
    Files.writeString(file.path(), text);
  }

  private List<Change> plan() {
    return EngineFixture.value(file.read().map(fixture.declared()::plan));
  }

  /** Of a file that the loop does not apply. */
  private List<Change> planOf(String text) throws IOException {
    SyncFile other = at("other.yaml");
    Files.writeString(other.path(), text);
    return EngineFixture.value(other.read().map(fixture.declared()::plan));
  }

  private void awaitApplied() {
    Await.untilAsserted(
        () -> {
          assertThat(loop.status().problems()).isEmpty();
          assertThat(plan()).allMatch(change -> change.action() == Action.KEEP);
        });
  }

  private void awaitProblem(String text) {
    Await.untilAsserted(
        () -> assertThat(loop.status().problems()).anyMatch(one -> one.contains(text)));
  }

  private List<Overview> all() {
    return fixture
        .service()
        .configurations(
            new JdbcSyncConfigurations.Filter(null, null, null), new PageRequest(50, null))
        .items();
  }

  private Optional<Overview> named(String name) {
    return all().stream()
        .filter(one -> one.configuration().definition().name().equals(name))
        .findFirst();
  }

  @Test
  void makesChangesAndRemovesWhatItNames() throws IOException {
    assertThat(planOf(BOTH)).extracting(Change::action).containsOnly(Action.CREATE);
    declare(BOTH);
    awaitApplied();
    UUID a = named("a").orElseThrow().configuration().id();
    fixture.awaitState(a, SyncState.STREAMING);
    TestStack.execute(fixture.source, "insert into a values (1)");
    fixture.awaitEqual("a");
    assertThat(fixture.orchestrations().findByName("all")).isPresent();

    assertThat(planOf(ONE))
        .contains(
            new Change(
                Action.CHANGE,
                new Declared(Kind.CONFIGURATION, "a"),
                List.of("batch_size: 1000 to 77")))
        .contains(new Change(Action.DELETE, new Declared(Kind.ORCHESTRATION, "all"), List.of()))
        .contains(new Change(Action.DELETE, new Declared(Kind.CONFIGURATION, "b"), List.of()));
    declare(ONE);
    awaitApplied();

    assertThat(all()).hasSize(1);
    assertThat(named("a").orElseThrow().configuration().id()).isEqualTo(a);
    assertThat(fixture.find(a).configuration().definition().batchSize()).isEqualTo(77);
    assertThat(fixture.orchestrations().findByName("all")).isEmpty();
    assertThat(TestStack.text(fixture.target, "select count(*) from a")).isEqualTo("1");
  }

  @Test
  void appliedAgainChangesNothing() throws IOException {
    declare(BOTH);
    awaitApplied();
    List<Long> versions = all().stream().map(one -> one.configuration().version()).toList();
    loop.close();
    fixture.start();

    run();

    Await.until(() -> loop.status().appliedAt() != null);
    assertThat(loop.status().problems()).isEmpty();
    assertThat(all().stream().map(one -> one.configuration().version()).toList())
        .isEqualTo(versions);
  }

  @Test
  void takesOverWhatItNamesAndLeavesTheRestAlone() throws IOException {
    UUID a = fixture.create("a", "");
    fixture.create("c", "");

    assertThat(planOf(BOTH))
        .contains(new Change(Action.ADOPT, new Declared(Kind.CONFIGURATION, "a"), List.of()));
    declare(BOTH);
    awaitApplied();
    declare("configurations: []");
    awaitApplied();

    assertThat(fixture.service().find(a).refusal()).isPresent();
    assertThat(all()).hasSize(1);
    assertThat(named("c")).isPresent();
  }

  /** A process was killed between removing a thing and forgetting that it was the file's. */
  @Test
  void whatIsGoneIsTheFilesNoMore() throws IOException {
    fixture.updateStore("insert into sync_declared (kind, name) values ('configuration', 'c')");
    declare(ONE);
    awaitApplied();
    assertThat(fixture.declared().owned()).hasSize(1);
    fixture.create("c", "");

    declare("configurations: []");
    awaitApplied();

    assertThat(all()).hasSize(1);
    assertThat(named("c")).isPresent();
  }

  @Test
  void aFileThatIsNotValidChangesNothing() throws IOException {
    declare(BOTH);
    awaitApplied();

    declare(ONE + "  - {name: b, source_table: b, sync_strategy: incremental}");
    awaitProblem("configurations[1]: 'target_table' is required");
    assertThat(all()).hasSize(2);
    assertThat(named("a").orElseThrow().configuration().definition().batchSize()).isEqualTo(1000);

    declare("");
    awaitProblem("declares nothing");
    assertThat(all()).hasSize(2);

    Files.delete(file.path());
    awaitProblem("cannot be read");
    assertThat(all()).hasSize(2);

    declare(ONE);
    awaitApplied();
    assertThat(all()).hasSize(1);
  }

  @Test
  void whatCannotBeDoneIsToldAndDoneLater() throws IOException {
    declare(BOTH.replace("source_table: b", "source_table: later"));
    awaitProblem("configuration 'b'");
    awaitProblem("orchestration 'all': there is no configuration named 'b'");
    fixture.awaitState(named("a").orElseThrow().configuration().id(), SyncState.STREAMING);

    TestStack.execute(fixture.source, "create table later (id int primary key)");

    awaitApplied();
    assertThat(fixture.orchestrations().findByName("all")).isPresent();
  }

  @Test
  void makesConnectionsWithPasswordsFromTheSettings() throws IOException {
    declare(
        """
        connections:
          - name: shop
            url: jdbc:postgresql://127.0.0.1:1/shop
            username: us
            password: ${PASSWORD}
        """);
    awaitApplied();

    String changed =
        """
        connections:
          - name: shop
            url: jdbc:postgresql://127.0.0.1:1/shop
            username: us
            password: ${PASSWORD}2
        """;
    assertThat(planOf(changed))
        .containsExactly(
            new Change(Action.CHANGE, new Declared(Kind.CONNECTION, "shop"), List.of("password")));
    declare(changed);
    awaitApplied();

    declare("connections: []");
    // The record of what is the file's goes last.
    Await.until(() -> fixture.declared().owned(), Collection::isEmpty);
  }
}

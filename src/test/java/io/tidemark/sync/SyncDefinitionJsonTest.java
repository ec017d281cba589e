package io.tidemark.sync;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("unit")
class SyncDefinitionJsonTest {
  private static SyncDefinition read(String json) throws Exception {
    return SyncDefinitionJson.read((ObjectNode) new ObjectMapper().readTree(json))
        .orElseThrow(refusal -> new IllegalArgumentException(refusal.detail()));
  }

  @Test
  void readsBackWhatItWrites() throws Exception {
    SyncDefinition plain =
        read(
            """
            {"name": "n", "source_table": "a", "target_table": "b", "sync_strategy": "full"}
            """);
    SyncDefinition rich =
        read(
            """
            {"name": "n", "source_table": "\\"Odd Name\\"", "target_table": "s.b",
             "sync_strategy": "incremental", "columns": {"a": "b", "id": "id"},
             "key_columns": ["id"], "row_filter": "id > 1", "sync_interval_seconds": 60,
             "delete_handling": "ignore", "initial_sync": "never", "enabled": false}
            """);

    assertThat(SyncDefinitionJson.readText(SyncDefinitionJson.writeText(plain))).isEqualTo(plain);
    assertThat(SyncDefinitionJson.readText(SyncDefinitionJson.writeText(rich))).isEqualTo(rich);
    assertThat(rich.source().table()).isEqualTo("Odd Name");
    assertThat(rich.columns()).isEqualTo(new ColumnSelection.Renames(Map.of("a", "b", "id", "id")));
  }

  @Test
  void tellsTheStateThatADefinitionStartsIn() throws Exception {
    String base =
        "{\"name\": \"n\", \"source_table\": \"a\", \"target_table\": \"b\", \"sync_strategy\": ";

    assertThat(read(base + "\"full\"}").stateAtRest()).isEqualTo(SyncState.IDLE);
    assertThat(read(base + "\"full\", \"sync_interval_seconds\": 5}").stateAtRest())
        .isEqualTo(SyncState.SCHEDULED);
    assertThat(read(base + "\"incremental\"}").stateAtRest()).isEqualTo(SyncState.INITIALIZING);
    assertThat(read(base + "\"full\", \"enabled\": false}").stateAtRest())
        .isEqualTo(SyncState.DISABLED);
  }

  @Test
  void cursorsReadBackAndNothingElseDoes() {
    PageCursor cursor =
        new PageCursor(Instant.parse("2026-01-02T03:04:05.678901Z"), new UUID(1, 2));

    assertThat(PageCursor.parse(cursor.text())).contains(cursor);
    for (String text : List.of("", "x", "%%%", "AAAA", "_".repeat(32))) {
      assertThat(PageCursor.parse(text)).isEmpty();
    }
  }

  @Test
  void passwordsOpenOnlyWhereTheyWereSealed() {
    String key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    SealedPassword seal = SealedPassword.withKey(key, new SecureRandom()).orElseThrow();
    byte[] sealed = seal.seal("secret", "here");

    assertThat(seal.open(sealed, "here")).isEqualTo("secret");
    Assertions.assertThatThrownBy(() -> seal.open(sealed, "there"))
        .hasMessageContaining("does not open");
    assertThat(SealedPassword.withKey("short", new SecureRandom())).isEmpty();
    assertThat(SealedPassword.withKey("no base64 ☃", new SecureRandom())).isEmpty();
  }
}

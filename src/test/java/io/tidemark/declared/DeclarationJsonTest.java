package io.tidemark.declared;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.sync.FieldError;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.SyncStrategy;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Tag("unit")
class DeclarationJsonTest {
  private static final String WHOLE =
      """
      connections:
        - name: shop
          url: jdbc:postgresql://${SHOP_HOST}:5432/shop
          username: tidemark
          password: ${SHOP_PASSWORD}
      configurations:
        - name: orders
          source_connection: shop
          source_table: orders
          target_table: orders
          sync_strategy: incremental
          columns: {id: id, total: amount}
        - {name: users, source_table: users, target_table: users, sync_strategy: merge}
      orchestrations:
        - name: nightly
          configurations: [orders, users]
          execution_mode: verify
          sync_interval_seconds: 86400
      """;

  private static Outcome<Declaration> read(String text) {
    return DeclarationJson.read(
        text,
        name ->
            Optional.ofNullable(
                Map.of("SHOP_HOST", "db.example.org", "SHOP_PASSWORD", "$ecret").get(name)));
  }

  private static Refusal refusal(String text) {
    return read(text).refusal().orElseThrow();
  }

  @Test
  void readsAllThreeLists() {
    Declaration whole =
        read(WHOLE).orElseThrow(refusal -> new IllegalStateException(refusal.detail()));

    assertThat(whole.connections())
        .singleElement()
        .satisfies(
            one -> {
              assertThat(one.url()).isEqualTo("jdbc:postgresql://db.example.org:5432/shop");
              assertThat(one.password()).isEqualTo("$ecret");
            });
    assertThat(whole.configurations()).extracting("name").containsExactly("orders", "users");
    assertThat(whole.configurations().get(1).strategy()).isEqualTo(SyncStrategy.MERGE);
    assertThat(whole.orchestrations())
        .singleElement()
        .satisfies(
            one -> {
              assertThat(one.configurations()).containsExactly("orders", "users");
              assertThat(one.definition().intervalSeconds()).contains(86400);
            });
  }

  @Test
  void readsJsonToo() {
    assertThat(
            read("{\"connections\": [{\"name\": \"a\", \"url\": \"jdbc:postgresql://h/d\"}]}")
                .refusal())
        .isEmpty();
  }

  @Test
  void saysAllThatIsWrongAndWhere() {
    Refusal refusal =
        refusal(
            """
            connections:
              - {name: shop, url: "jdbc:mysql://h/d", password: "${NO_SUCH}"}
            configurations:
              - {name: a, source_table: a, target_table: a, sync_strategy: full}
              - {name: a, source_table: a, target_table: a, sync_strategy: ful, batchSize: 1}
            orchestrations:
              - {name: o, configurations: [], mode: sideways}
            """);

    assertThat(refusal.errors())
        .extracting(FieldError::field)
        .contains(
            "connections[0].url",
            "configurations[1].sync_strategy",
            "configurations[1].batchSize",
            "orchestrations[0].configurations",
            "orchestrations[0].mode");
    assertThat(refusal.detail()).contains("${NO_SUCH} is not set", "did you mean 'batch_size'");
  }

  @Test
  void namesAreUnique() {
    assertThat(
            refusal(
                    """
                    configurations:
                      - {name: a, source_table: a, target_table: a, sync_strategy: full}
                      - {name: a, source_table: b, target_table: b, sync_strategy: full}
                    """)
                .detail())
        .contains("'configurations' names 'a' twice");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "# nothing but a remark",
        "[]",
        "configurations: yes",
        "configurations: [1]",
        "syncs: []",
        "a: b: c",
        "configurations: *nowhere",
        "connections: []\nconnections: []",
        "\u0000",
      })
  void whatIsNoDeclarationIsRefused(String text) {
    assertThat(read(text).refusal()).isPresent();
  }

  @Test
  void neverQuotesWhatMayBeASecret() {
    assertThat(refusal("connections:\n  - {name: shop, password: hunter2, url: [}").detail())
        .doesNotContain("hunter2");
    assertThat(refusal("connections:\n  - {name: s, url: \"x://u:hunter2@h\"}").detail())
        .doesNotContain("hunter2");
  }

  @Test
  void aListMayBeEmpty() {
    assertThat(
            read("connections: []")
                .map(Declaration::names)
                .orElseThrow(refusal -> new IllegalStateException(refusal.detail())))
        .isEmpty();
  }
}

package io.tidemark.run;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tidemark.SqlTypes;
import io.tidemark.SqlTypes.SqlType;
import io.tidemark.TestStack;
import io.tidemark.change.OperatingFailure.Kind;
import io.tidemark.postgres.PgBinaryTypes;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.postgres.PgSession;
import io.tidemark.postgres.TextForm;
import io.tidemark.sync.SyncState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Every type, from source to target by copy, stream and merge: equal as text, whatever the
 * databases have set. What comes of it is published in {@code schemas/types.md}; {@code
 * -Dtypes.update=true} writes it.
 */
@Tag("oldest-postgres")
@Tag("engine")
class EveryTypeTest {
  private static final Path DOCUMENT = Path.of("schemas", "types.md");

  /** The first row that comes by the stream alone. */
  private static final int STREAMED = 100;

  private EngineFixture fixture;
  private List<SqlType> types;
  private List<Column> columns;

  /** Types, and the ways by which all their values arrived as they were. */
  private final Map<String, Set<String>> exact = new HashMap<>();

  /** A column of a type, or of arrays of it. */
  private record Column(String name, SqlType of, boolean isArray) {
    String type() {
      return isArray ? of.type() + "[]" : of.type();
    }

    String value(int turn) {
      return isArray ? of.array(turn) : of.value(turn);
    }
  }

  @BeforeEach
  void open() {
    fixture = new EngineFixture();
    fixture.start();
    types = SqlTypes.of(TestStack.serverMajor(fixture.source));
    columns = new ArrayList<>();
    for (int i = 0; i < types.size(); i++) {
      columns.add(new Column("c" + i, types.get(i), false));
      if (types.get(i).hasArrays()) {
        columns.add(new Column("a" + i, types.get(i), true));
      }
    }
    // The target's types get other oids than the source's.
    TestStack.execute(fixture.target, "create type filler as (a int, b int)");
    for (PgDatabase database : List.of(fixture.source, fixture.target)) {
      SqlTypes.EXTENSIONS.forEach(name -> TestStack.execute(database, "create extension " + name));
      TestStack.execute(database, "create table types (id int primary key)");
      TestStack.execute(database, SqlTypes.MAKE);
    }
    set(fixture.source, "Asia/Kathmandu", "German", "sql_standard", "-3");
    set(fixture.target, "America/St_Johns", "SQL, DMY", "iso_8601", "-1");
  }

  /** What a database has set must not change a value. */
  private static void set(
      PgDatabase database, String zone, String dates, String intervals, String digits) {
    Map.of(
            "timezone", zone,
            "datestyle", dates,
            "intervalstyle", intervals,
            "extra_float_digits", digits,
            "bytea_output", "escape",
            "xmloption", "document")
        .forEach(
            (name, value) ->
                TestStack.execute(
                    database,
                    """
                    do $$ begin
                      execute format('alter database %%I set %s = %%L', current_database(), '%s');
                    end $$
                    """
                        .formatted(name, value)));
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void noTypeOfTheServerIsForgotten() {
    String tested =
        Stream.concat(types.stream().map(SqlType::type), SqlTypes.UNREADABLE.stream())
            .map(type -> "('" + type.replace("'", "''") + "')")
            .collect(joining(", "));

    String forgotten =
        """
        select coalesce(string_agg(typname, ', '), '')
        from pg_type
        where typnamespace = 'pg_catalog'::regnamespace
          and typtype in ('b', 'r', 'm')
          and typname !~ '^_'
          and oid not in (select t::regtype from (values %s) v(t))
        """
            .formatted(tested);
    assertThat(TestStack.text(fixture.source, forgotten)).isEmpty();
  }

  @Test
  void whatPostgresItselfDoesNotReadIsRefused() {
    for (String type : SqlTypes.UNREADABLE) {
      for (PgDatabase database : List.of(fixture.source, fixture.target)) {
        TestStack.execute(database, "create table t (id int primary key, v %s)".formatted(type));
      }
      assertThatThrownBy(() -> fixture.create("t", "")).hasMessageContaining("'v' is " + type);
      for (PgDatabase database : List.of(fixture.source, fixture.target)) {
        TestStack.execute(database, "drop table t");
      }
    }
  }

  @Test
  void valuesArriveAsTheyWere() throws IOException {
    // Every column in a table whose copy travels as text, and as binary those that can.
    List<Column> portable = portable();
    Map<String, List<Column>> tables = Map.of("everything", columns, "portable", portable);
    tables.forEach(this::make);
    Map<String, UUID> configurations = new HashMap<>();
    tables.keySet().forEach(table -> configurations.put(table, fixture.create(table, "")));
    configurations.values().forEach(one -> fixture.awaitState(one, SyncState.STREAMING));
    compare("copy", tables);

    tables.forEach(this::change);
    configurations.values().forEach(one -> run(one, ExecutionMode.INCREMENTAL));
    compare("stream", tables);

    tables.forEach(this::spoil);
    configurations.values().forEach(one -> run(one, ExecutionMode.MERGE));
    compare("merge", tables);

    publish();
    types.forEach(
        type ->
            assertThat(exact.get(type.type()))
                .as(type.type())
                .containsExactlyInAnyOrder("copy", "stream", "merge"));
  }

  /**
   * PostgreSQL stores some values in one way if they were read as text, and in another if they came
   * in binary. They are equal all the same, to a merge and to whoever tells conflicts.
   */
  @Test
  void aValueIsTheSameWhicheverWayItCame() {
    List<Column> portable = portable();
    make("portable", portable);
    TestStack.execute(
        fixture.source, "alter table portable replica identity full; delete from portable");
    String names = portable.stream().map(Column::name).collect(joining(", "));
    for (int turn = 0; turn < SqlTypes.turns(types); turn++) {
      int row = turn;
      String values =
          TextForm.SETTINGS
              + "insert into portable values (%d, %s)"
                  .formatted(
                      turn, portable.stream().map(one -> one.value(row)).collect(joining(", ")));
      TestStack.execute(fixture.source, values);
      TestStack.execute(fixture.target, values);
    }
    // In every bucket of the merge's sums is a row that the target lacks, so that all are compared.
    TestStack.execute(
        fixture.source,
        "insert into portable (id, %1$s) select 1000 + g, %1$s from portable,".formatted(names)
            + " generate_series(1, 1000) g where id = 0");

    UUID configuration =
        fixture.create(
            "portable",
            """
            , "sync_strategy": "merge", "conflict_resolution": "manual",
              "conflict_detection": "before_image"
            """);
    fixture.awaitState(configuration, SyncState.STREAMING);
    assertThat(fixture.conflicts(configuration)).isEmpty();
    TestStack.execute(fixture.source, "delete from portable where id % 2 = 0");

    run(configuration, ExecutionMode.INCREMENTAL);
    assertThat(fixture.conflicts(configuration)).isEmpty();
    assertThat(TestStack.text(fixture.target, "select count(*) from portable"))
        .isEqualTo(TestStack.text(fixture.source, "select count(*) from portable"));
  }

  private void run(UUID configuration, ExecutionMode mode) {
    fixture.awaitCompleted(
        EngineFixture.value(fixture.service().execute(configuration, mode, ExecutionTrigger.MANUAL))
            .id());
  }

  /** The columns whose type has a binary form that means the same in every database. */
  private List<Column> portable() {
    try (PgSession session = PgSession.open(fixture.source, Kind.SOURCE, "test", "types")) {
      Map<Column, Integer> oids = new HashMap<>();
      for (Column column : columns) {
        String type = column.type().replace("'", "''");
        oids.put(
            column,
            Integer.parseUnsignedInt(session.text("select '%s'::regtype::oid".formatted(type))));
      }
      Set<Integer> portable = PgBinaryTypes.portable(session, oids.values()).keySet();
      return columns.stream().filter(column -> portable.contains(oids.get(column))).toList();
    }
  }

  private void make(String table, List<Column> of) {
    for (PgDatabase database : List.of(fixture.source, fixture.target)) {
      TestStack.execute(
          database,
          "create table %s (id int primary key, %s)"
              .formatted(
                  table,
                  of.stream().map(one -> one.name() + " " + one.type()).collect(joining(", "))));
    }
    for (int turn = 0; turn < SqlTypes.turns(types); turn++) {
      insert(table, of, turn, turn);
    }
    TestStack.execute(fixture.source, "insert into %s values (%d)".formatted(table, 99));
  }

  private void insert(String table, List<Column> of, int id, int turn) {
    TestStack.execute(
        fixture.source,
        TextForm.SETTINGS
            + "insert into %s values (%d, %s)"
                .formatted(
                    table, id, of.stream().map(one -> one.value(turn)).collect(joining(", "))));
  }

  /** Gives every row the values of its neighbour, and adds rows. */
  private void change(String table, List<Column> of) {
    for (int turn = 0; turn < SqlTypes.turns(types); turn++) {
      int next = turn + 1;
      TestStack.execute(
          fixture.source,
          TextForm.SETTINGS
              + "update %s set %s where id = %d"
                  .formatted(
                      table,
                      of.stream()
                          .map(one -> one.name() + " = " + one.value(next))
                          .collect(joining(", ")),
                      turn));
      insert(table, of, STREAMED + turn, turn);
    }
    TestStack.execute(fixture.source, "delete from " + table + " where id = 1");
  }

  /** The target's rows lose their values or go away. */
  private void spoil(String table, List<Column> of) {
    TestStack.execute(
        fixture.target,
        "update %s set %s where id %% 2 = 0"
            .formatted(
                table, of.stream().map(one -> one.name() + " = null").collect(joining(", "))));
    TestStack.execute(fixture.target, "delete from " + table + " where id % 2 = 1");
  }

  /** Notes the types of which no value differs in any table. */
  private void compare(String way, Map<String, List<Column>> tables) {
    Set<String> differing = new TreeSet<>();
    tables.forEach(
        (table, of) -> {
          Map<String, List<String>> source = values(fixture.source, table, of);
          Map<String, List<String>> target = values(fixture.target, table, of);
          assertThat(target.get("id")).isEqualTo(source.get("id"));
          of.stream()
              .filter(one -> !source.get(one.name()).equals(target.get(one.name())))
              .forEach(one -> differing.add(one.of().type()));
        });
    types.stream()
        .map(SqlType::type)
        .filter(type -> !differing.contains(type))
        .forEach(type -> exact.computeIfAbsent(type, any -> new TreeSet<>()).add(way));
  }

  /** Each column's values as text, in the order of the rows. */
  private static Map<String, List<String>> values(
      PgDatabase database, String table, List<Column> of) {
    Map<String, List<String>> values = new HashMap<>();
    try (PgSession session = PgSession.open(database, Kind.TARGET, "test", table)) {
      session.execute(TextForm.SETTINGS + "set search_path = ''");
      for (String name : Stream.concat(Stream.of("id"), of.stream().map(Column::name)).toList()) {
        // Not a cast: one of character(n) to text strips its blanks.
        List<String> column = new ArrayList<>();
        session
            .rows(
                "select case when num_nulls(%1$s) = 0 then format('%%s', %1$s) end from public.%2$s order by id"
                    .formatted(name, table))
            .forEach(row -> column.add(String.valueOf(row.get(0))));
        values.put(name, column);
      }
    }
    return values;
  }

  private void publish() throws IOException {
    String document = document();
    if (Boolean.getBoolean("types.update")) {
      Files.writeString(DOCUMENT, document);
    }
    assertThat(document).isEqualTo(Files.readString(DOCUMENT));
  }

  private String document() throws IOException {
    JsonNode example = streamedRow();
    StringBuilder text = new StringBuilder(HEAD);
    for (int i = 0; i < types.size(); i++) {
      String type = types.get(i).type();
      text.append("| `%s` | `%s` |".formatted(cell(type), cell(example.get("c" + i).toString())));
      for (String way : List.of("stream", "copy", "merge")) {
        text.append(exact.get(type).contains(way) ? " exact |" : " **differs** |");
      }
      text.append('\n');
    }
    return text.append(FOOT.formatted(String.join("`, `", SqlTypes.UNREADABLE))).toString();
  }

  private static String cell(String text) {
    return text.replace("|", "\\|");
  }

  private static final String HEAD =
      """
      # Types

      Made by `EveryTypeTest`, on PostgreSQL 15 and 18: values that are hard on each type (nulls, infinities, `NaN`, years BC, empty and large ones, quotes and backslashes) and arrays of them (of several dimensions, with nulls, with other lower bounds) go from source to target by the stream, by a full copy, once in binary and once as text, and by a merge. *Exact* means that each arrives with the text that it has at the source, whatever time zone, date style, float digits, and so on either database has set. The types of users and extensions stand for their kind: enums, domains, composites, ranges, base types.

      | type | in a topic, for instance | stream | copy | merge |
      |---|---|---|---|---|
      """;

  private static final String FOOT =
      """

      `reg…` types and `aclitem` are names of objects: the target has to have an object of that name, else the row is set aside. `money` is written as `lc_monetary` `C` has it, whatever the databases have. `lo` is the number of a large object, not what it holds.

      Refused when a configuration is made, because PostgreSQL itself does not read their text: `%s`.
      """;

  /** A change's row as consumers of the topic read it. */
  private JsonNode streamedRow() throws IOException {
    Map<String, Object> settings = new HashMap<>(TestStack.kafka());
    settings.put("isolation.level", "read_committed");
    StringDeserializer text = new StringDeserializer();
    TopicPartition partition = new TopicPartition(fixture.topic("everything"), 0);
    try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(settings, text, text)) {
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      long end = consumer.endOffsets(List.of(partition)).get(partition);
      while (consumer.position(partition) < end) {
        for (ConsumerRecord<String, String> one : consumer.poll(Duration.ofSeconds(1))) {
          if (one.key().equals("{\"id\":" + STREAMED + "}")) {
            return new ObjectMapper().readTree(one.value()).get("after");
          }
        }
      }
    }
    throw new IllegalStateException("the topic lacks a row");
  }
}

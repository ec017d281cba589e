package io.tidemark.capture;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.capture.CaptureFixture.Read;
import io.tidemark.change.Change;
import io.tidemark.change.PublishedSchema;
import io.tidemark.change.TableName;
import io.tidemark.change.TableSchema;
import io.tidemark.change.TableSchema.Column;
import io.tidemark.change.TopicName;
import io.tidemark.postgres.ColumnShape;
import io.tidemark.postgres.PgCatalog;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Every change says under which version of its table's schema it was made. */
@Tag("oldest-postgres")
@Tag("engine")
class CaptureSchemaTest {
  private static final TableName T = new TableName("public", "t");

  @Test
  void aChangesSchemaIsTheTableAsTheCatalogHasIt() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute(
          // On the search path a type's name would come without its schema.
          "do $$ begin execute format('alter database %I set search_path = app, public',"
              + " current_database()); end $$",
          "create schema app",
          "create type app.\"Mood\" as enum ('so so', 'sad')",
          "create domain app.short as varchar(7)",
          "create table t (\"it's \"\"odd\"\"\" varchar(20), id bigint, total numeric(10,2),"
              + " mood app.\"Mood\", moods app.\"Mood\"[], code app.short, tags int[],"
              + " plain char, one char(1), at timestamptz(3),"
              + " primary key (id))");
      ChangeTracker tracker = fixture.tracking(T);

      fixture.execute(
          "insert into t (id) values (1)",
          "update t set total = 1",
          "update t set id = 2",
          "delete from t",
          "truncate t");
      fixture.settle(tracker);

      List<Read> read = fixture.read(T);
      assertThat(read).hasSize(6);
      assertThat(read.stream().map(CaptureSchemaTest::id).distinct()).hasSize(1);
      TableSchema schema = fixture.schemas().get(id(read.get(0)));
      assertThat(schema.id()).isEqualTo(id(read.get(0)));
      assertThat(schema.table()).isEqualTo(T);
      assertThat(schema.columns().stream().map(one -> one.name() + ": " + one.type()))
          .containsExactly(
              "it's \"odd\": character varying(20)",
              "id: bigint",
              "total: numeric(10,2)",
              "mood: app.\"Mood\"",
              "moods: app.\"Mood\"[]",
              "code: app.short",
              "tags: integer[]",
              "plain: character(1)",
              "one: character(1)",
              "at: timestamp(3) with time zone");
      assertThat(schema.columns().stream().filter(Column::key).map(Column::name))
          .containsExactly("id");
      List<ColumnShape> inCatalog = columns(fixture);
      for (int i = 0; i < schema.columns().size(); i++) {
        Column column = schema.columns().get(i);
        assertThat(column.type()).isEqualTo(inCatalog.get(i).type());
        assertThat(column.castType()).isEqualTo(inCatalog.get(i).castType());
        assertThat(column.typeOid()).isEqualTo(inCatalog.get(i).typeOid());
      }
      assertThat(schema.columns().get(0).typeModifier()).isEqualTo(24);
    }
  }

  private static List<ColumnShape> columns(CaptureFixture fixture) throws Exception {
    try (Connection connection = fixture.source.open("test")) {
      return PgCatalog.shapeOf(connection, T).orElseThrow().columns();
    }
  }

  @Test
  void recordsAreAsThePublishedSchemasSay() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key, v numeric(10,2))");
      ChangeTracker tracker = fixture.tracking(T);
      fixture.execute("insert into t values (1)", "alter table t add w text", "truncate t");
      fixture.settle(tracker);

      String changes = TopicName.of(fixture.prefix, CaptureFixture.CONNECTION, T);
      String schemas = TopicName.schemasOf(fixture.prefix, CaptureFixture.CONNECTION);
      assertThat(errors(fixture, changes, "change-value", 2)).isEmpty();
      assertThat(errors(fixture, schemas, "table-schema", 2)).isEmpty();
    }
  }

  private static List<String> errors(CaptureFixture fixture, String topic, String name, int count) {
    PublishedSchema published = PublishedSchema.of(name);
    List<String> values =
        fixture.records(topic).stream()
            .map(record -> new String(record.value(), StandardCharsets.UTF_8))
            .toList();
    assertThat(values).hasSize(count);
    return values.stream().flatMap(value -> published.errors(value).stream()).toList();
  }

  @Test
  void eachVersionOfATableHasItsOwnSchema() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key, a int)");
      ChangeTracker tracker = fixture.tracking(T);

      fixture.execute(
          "insert into t values (1, 1)",
          "alter table t add b varchar(5)",
          "insert into t values (2, 2, 'b')",
          "alter table t alter b type varchar(9)",
          "insert into t values (3, 3, 'b')",
          "alter table t alter a type bigint",
          "insert into t values (4, 4, 'b')",
          "alter table t rename a to c",
          "insert into t values (5, 5, 'b')",
          "begin; insert into t values (6, 6, 'b'); alter table t drop column b;"
              + " insert into t values (7, 7);"
              + " alter table t rename c to a; alter table t alter a type int;"
              + " insert into t values (8, 8); commit",
          "alter table t replica identity full",
          "insert into t values (9, 9)");
      // Under FULL the key is the catalog's at the time that the change is read.
      fixture.settle(tracker);
      fixture.execute("alter table t drop constraint t_pkey", "insert into t values (10, 10)");
      fixture.settle(tracker);

      Map<String, TableSchema> schemas = fixture.schemas();
      List<Read> read = fixture.read(T);
      assertThat(read.stream().map(one -> describe(schemas.get(id(one)))))
          .containsExactly(
              "id integer key, a integer",
              "id integer key, a integer, b character varying(5)",
              "id integer key, a integer, b character varying(9)",
              "id integer key, a bigint, b character varying(9)",
              "id integer key, c bigint, b character varying(9)",
              "id integer key, c bigint, b character varying(9)",
              "id integer key, c bigint",
              "id integer key, a integer",
              "id integer key, a integer",
              "id integer, a integer");
      // What is as it was has the same name as it had.
      assertThat(id(read.get(7))).isEqualTo(id(read.get(0)));
      assertThat(read.stream().map(CaptureSchemaTest::id).distinct()).hasSize(7);
      for (Read one : read) {
        assertThat(((Change.Insert) one.change()).after().shape().columns())
            .isEqualTo(schemas.get(id(one)).columns().stream().map(Column::name).toList());
      }
    }
  }

  private static String describe(TableSchema schema) {
    return String.join(
        ", ",
        schema.columns().stream()
            .map(one -> one.name() + " " + one.type() + (one.key() ? " key" : ""))
            .toList());
  }

  @Test
  void aTypeThatWasDroppedBeforeItsNameWasReadDoesNotStopTheCapture() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute(
          "create type mood as enum ('sad')",
          "create table t (id int primary key, m mood, ms mood[])");
      String oids =
          fixture.query("select oid || ' ' || typarray from pg_type where typname='mood'");
      fixture.tracker().ensureTracked(fixture.source, T, () -> true);
      fixture.execute(
          "insert into t values (1, 'sad', '{sad}')",
          "alter table t alter m type text, alter ms type text",
          "drop type mood",
          "insert into t values (2, 'glad', '{glad}')");

      ChangeTracker tracker = fixture.tracker();
      tracker.start(fixture.source);
      fixture.settle(tracker);

      List<Read> read = fixture.read(T);
      assertThat(((Change.Insert) read.get(0).change()).after().value(2)).isEqualTo("{sad}");
      assertThat(describe(fixture.schemas().get(id(read.get(0)))))
          .isEqualTo("id integer key, m oid %s, ms oid %s".formatted((Object[]) oids.split(" ")));
      assertThat(describe(fixture.schemas().get(id(read.get(1)))))
          .isEqualTo("id integer key, m text, ms text");
    }
  }

  @Test
  void anotherInstanceNamesTheSameSchemaTheSame() throws Exception {
    try (CaptureFixture fixture = new CaptureFixture()) {
      fixture.execute("create table t (id int primary key, v varchar(20))");
      try (ChangeTracker tracker = fixture.tracking(T)) {
        fixture.execute("insert into t values (1)");
        fixture.settle(tracker);
        fixture.execute("insert into t values (2)");
      }
      fixture.execute("alter table t add w int");
      try (ChangeTracker tracker = fixture.tracker()) {
        tracker.start(fixture.source);
        fixture.execute("insert into t values (3)");
        fixture.settle(tracker);
      }

      List<Read> read = fixture.read(T);
      assertThat(keys(read)).containsExactly(1, 2, 3);
      assertThat(id(read.get(1))).isEqualTo(id(read.get(0)));
      assertThat(fixture.schemas().keySet()).containsExactly(id(read.get(0)), id(read.get(2)));
    }
  }

  static List<Integer> keys(List<Read> read) {
    return read.stream().map(one -> Integer.parseInt(one.key().value(0))).toList();
  }

  static String id(Read read) {
    return read.change().source().schemaId();
  }
}

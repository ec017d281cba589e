package io.tidemark.sync;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.change.TableName;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which tables of a schema are to be kept in step, and how: one definition for each of them, made
 * of a template.
 */
public final class TableSelectionJson {
  private static final int PATTERNS_MAX = 1000;

  /** Twice an identifier: what a pattern makes of it is checked again. */
  private static final int PATTERN_MAX = 128;

  private static final String SCHEMA = "{schema}";
  private static final String TABLE = "{table}";

  private final String schema;
  private final List<Pattern> include;
  private final List<Pattern> exclude;
  private final String name;
  private final String targetSchema;
  private final String targetTable;
  private final ObjectNode template;
  private final boolean dryRun;

  private TableSelectionJson(FieldsJson fields) {
    schema = fields.requiredText("schema", PATTERN_MAX);
    include = patterns(fields, "include", List.of("*"));
    exclude = patterns(fields, "exclude", List.of());
    name = forEachTable(fields, "name", SCHEMA + "." + TABLE);
    targetSchema = fields.text("target_schema", PATTERN_MAX).orElse(SCHEMA);
    targetTable = forEachTable(fields, "target_table", TABLE);
    fields.requirePresent("template");
    template = fields.object("template").orElseGet(JsonNodeFactory.instance::objectNode);
    dryRun = fields.flag("dry_run").orElse(false);
  }

  /** Reads a selection, or answers all that is wrong with it. */
  public static Outcome<TableSelectionJson> read(ObjectNode object) {
    FieldsJson fields = FieldsJson.of(object);
    TableSelectionJson selection = new TableSelectionJson(fields);
    List<FieldError> errors = new ArrayList<>(fields.errors());
    for (String made : List.of("name", "source_table", "target_table")) {
      if (selection.template.has(made)) {
        errors.add(
            new FieldError(
                "template." + made, "'" + made + "' is made for each table; leave it out here"));
      }
    }
    if (errors.isEmpty()) {
      selection
          .definition(new TableName("schema", "table"))
          .refusal()
          .ifPresent(
              refusal ->
                  refusal
                      .errors()
                      .forEach(
                          one ->
                              errors.add(
                                  new FieldError("template." + one.field(), one.message()))));
    }
    return errors.isEmpty() ? Outcome.of(selection) : Outcome.refused(Refusal.invalid(errors));
  }

  private static List<Pattern> patterns(FieldsJson fields, String field, List<String> otherwise) {
    return fields.texts(field, PATTERNS_MAX, PATTERN_MAX).orElse(otherwise).stream()
        .map(TableSelectionJson::pattern)
        .toList();
  }

  /** The star stands for any text, the question mark for one character. */
  private static Pattern pattern(String glob) {
    return Pattern.compile(
        glob.codePoints()
            .mapToObj(
                c ->
                    switch (c) {
                      case '*' -> ".*";
                      case '?' -> ".";
                      default -> Pattern.quote(Character.toString(c));
                    })
            .collect(Collectors.joining()),
        Pattern.DOTALL);
  }

  private static String forEachTable(FieldsJson fields, String field, String otherwise) {
    String pattern = fields.text(field, PATTERN_MAX).orElse(otherwise);
    if (!pattern.contains(TABLE)) {
      fields.refuse(field, "'" + field + "' contains " + TABLE + ", or all would be the same");
    }
    return pattern;
  }

  /** The source's schema. */
  public String schema() {
    return schema;
  }

  /** The source's connection. */
  public String sourceConnection() {
    return definition(new TableName(schema, "table"))
        .map(SyncDefinition::sourceConnection)
        .orElseThrow(refusal -> new IllegalStateException(refusal.detail()));
  }

  /** Whether nothing is to be made, only shown. */
  public boolean isDryRun() {
    return dryRun;
  }

  /** Whether a table of the schema is among those. */
  public boolean selects(TableName table) {
    return include.stream().anyMatch(pattern -> pattern.matcher(table.table()).matches())
        && exclude.stream().noneMatch(pattern -> pattern.matcher(table.table()).matches());
  }

  /** How one of the tables is kept in step. */
  public Outcome<SyncDefinition> definition(TableName source) {
    ObjectNode document = template.deepCopy();
    document.put("name", filled(name, source));
    document.put("source_table", source.toString());
    document.put(
        "target_table",
        new TableName(filled(targetSchema, source), filled(targetTable, source)).toString());
    return SyncDefinitionJson.read(document);
  }

  private static String filled(String pattern, TableName source) {
    return pattern.replace(SCHEMA, source.schema()).replace(TABLE, source.table());
  }
}

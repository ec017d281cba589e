package io.tidemark.web;

import com.fasterxml.jackson.annotation.JsonRawValue;
import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.tidemark.change.Change;
import io.tidemark.change.ChangeSource;
import io.tidemark.change.TopicRecord;
import io.tidemark.change.WireName;
import io.tidemark.conflict.RowsJson;
import io.tidemark.run.RowHistory;
import io.tidemark.run.SideRow;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** The history of a row, as it is answered. */
@JsonNaming(SnakeCaseStrategy.class)
@Schema(name = "RowHistory", description = "Why a row is as it is")
record RowHistoryView(
    @Schema(type = SchemaType.OBJECT, description = "In the target's names") @JsonRawValue
        String key,
    Side source,
    Side target,
    @Schema(
            description =
                "The target's columns in which the two rows differ; null if one of them is absent",
            nullable = true)
        @Nullable List<String> differingColumns,
    @Schema(description = "Newest first, at most 50") List<ConflictView> conflicts,
    @Schema(description = "Newest first, at most 50") List<ParkedRowView> parkedRows,
    Changes changes) {
  RowHistoryView {
    differingColumns = differingColumns == null ? null : List.copyOf(differingColumns);
    conflicts = List.copyOf(conflicts);
    parkedRows = List.copyOf(parkedRows);
  }

  static RowHistoryView of(RowHistory history) {
    return new RowHistoryView(
        history.key(),
        Side.of(history.source()),
        Side.of(history.target()),
        history.differing(),
        history.conflicts().stream().map(ConflictView::of).toList(),
        history.parked().stream().map(ParkedRowView::of).toList(),
        new Changes(history.changes().stream().map(ChangeView::of).toList(), history.next()));
  }

  /** What one side has. */
  @JsonNaming(SnakeCaseStrategy.class)
  @Schema(name = "RowOfSide", description = "A row as one database has it now")
  record Side(
      @Schema(
              type = SchemaType.OBJECT,
              nullable = true,
              description = "In the target's names; null if there is none")
          @JsonRawValue
          @Nullable String row,
      @Schema(
              nullable = true,
              description = "Whether row_filter takes it; null without a row or a filter")
          @Nullable Boolean inRowFilter,
      @Schema(
              nullable = true,
              implementation = String.class,
              format = "date-time",
              description = "The commit of its last write; null if the server does not know")
          @Nullable Instant writtenAt,
      @Schema(
              nullable = true,
              enumeration = {"tidemark", "before", "rewrite", "others"},
              description =
                  "tidemark is this configuration, as far as its writes carry its origin"
                      + " (conflict_detection origin); before is whoever wrote it before the"
                      + " target came in step, a full copy as a rule; null if it is not known")
          @Nullable String writtenBy,
      @Schema(nullable = true, description = "The replication origin that its last write carried")
          @Nullable String origin) {
    static Side of(SideRow side) {
      return new Side(
          RowsJson.text(side.row()),
          side.inFilter(),
          side.writtenAt(),
          side.writtenBy() == null ? null : WireName.of(side.writtenBy()),
          side.origin());
    }
  }

  /** A part of the changes. */
  @JsonNaming(SnakeCaseStrategy.class)
  @Schema(name = "RowChanges", description = "What the topics still hold of the row")
  record Changes(
      @Schema(description = "Newest first") List<ChangeView> items,
      @Schema(
              nullable = true,
              description = "The cursor with which to search further back; null at the beginning")
          @Nullable String next) {
    Changes {
      items = List.copyOf(items);
    }
  }

  /** One change. */
  @JsonNaming(SnakeCaseStrategy.class)
  @Schema(name = "RowChange", description = "A change of the row, as its topic has it")
  record ChangeView(
      String topic,
      int partition,
      long offset,
      @Schema(
              enumeration = {"c", "u", "d", "t"},
              description = "Created, updated, deleted, or the whole table truncated")
          String op,
      Instant committedAt,
      @Schema(examples = "0/16B3748:3") String sourcePosition,
      long transaction,
      @Schema(nullable = true, description = "The replication origin that it carries")
          @Nullable String origin,
      @Schema(
              type = SchemaType.OBJECT,
              nullable = true,
              description = "In the topic's names; null if the source did not tell")
          @JsonRawValue
          @Nullable String before,
      @Schema(
              type = SchemaType.OBJECT,
              nullable = true,
              description = "In the topic's names, without large values that did not change")
          @JsonRawValue
          @Nullable String after,
      @Schema(
              type = SchemaType.OBJECT,
              nullable = true,
              description = "Of a change of the key: the key that the row had or has got")
          @JsonRawValue
          @Nullable String otherKey,
      @Schema(
              nullable = true,
              description =
                  "Whether the other side has been written past it; null if it was never in step")
          @Nullable Boolean applied) {
    static ChangeView of(RowHistory.Found found) {
      TopicRecord record = found.record();
      Change change = record.change();
      ChangeSource source = change.source();
      return new ChangeView(
          record.topic(),
          record.partition(),
          record.offset(),
          change.op(),
          Instant.EPOCH.plus(source.committedMicros(), ChronoUnit.MICROS),
          change.position().toString(),
          source.transaction(),
          source.origin(),
          RowsJson.text(change.imageBefore()),
          RowsJson.text(change.imageAfter()),
          RowsJson.text(change.otherKey()),
          found.applied());
    }
  }
}

package io.tidemark.web;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.tidemark.run.LeftBehind;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** What the removal of a configuration left behind, as it is answered. */
@JsonNaming(SnakeCaseStrategy.class)
@Schema(name = "LeftBehind")
record LeftBehindView(List<Item> leftBehind) {
  LeftBehindView {
    leftBehind = List.copyOf(leftBehind);
  }

  /** What one database keeps. */
  @Schema(name = "LeftBehindItem")
  record Item(
      String connection,
      @Schema(description = "What it is and why it was left") String what,
      @Schema(description = "SQL that removes it there") List<String> statements) {
    Item {
      statements = List.copyOf(statements);
    }
  }

  static LeftBehindView of(List<LeftBehind> left) {
    return new LeftBehindView(
        left.stream()
            .map(one -> new Item(one.connection(), one.what(), one.statements()))
            .toList());
  }
}

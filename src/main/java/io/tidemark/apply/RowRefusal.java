package io.tidemark.apply;

import java.util.List;

/**
 * Why a target does not take a row.
 *
 * @param code the SQLSTATE
 * @param columns whose values are at fault, as far as the target tells
 * @param reason a sentence without the row's values
 */
public record RowRefusal(String code, List<String> columns, String reason) {
  public RowRefusal {
    columns = List.copyOf(columns);
  }
}

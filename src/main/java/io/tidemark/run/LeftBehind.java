package io.tidemark.run;

import java.util.List;

/**
 * What of ours could not be removed, and how to remove it by hand.
 *
 * @param connection the connection whose database has it
 * @param what it is and why it was left, a sentence
 * @param statements that remove it there, in this order
 */
public record LeftBehind(String connection, String what, List<String> statements) {
  public LeftBehind {
    statements = List.copyOf(statements);
  }
}

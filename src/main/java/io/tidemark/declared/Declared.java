package io.tidemark.declared;

import io.tidemark.change.WireName;

/** One thing that a sync file names. */
public record Declared(Kind kind, String name) {
  @Override
  public String toString() {
    return WireName.of(kind) + " '" + name + "'";
  }
}

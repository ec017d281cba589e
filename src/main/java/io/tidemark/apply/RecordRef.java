package io.tidemark.apply;

import io.tidemark.change.SourcePosition;

/** Which record of a topic's partition a row came from, and where it stands at the source. */
record RecordRef(long offset, SourcePosition position) {}

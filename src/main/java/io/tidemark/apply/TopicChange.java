package io.tidemark.apply;

import io.tidemark.change.Change;

/** A change and the offset of its record in the topic's partition. */
public record TopicChange(Change change, long offset) {}

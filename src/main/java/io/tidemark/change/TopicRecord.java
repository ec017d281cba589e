package io.tidemark.change;

/** A change and the place of its record in a change topic. */
public record TopicRecord(String topic, int partition, long offset, Change change) {}

/**
 * Source database to topic: the publication, the slot, Debezium's engine, and the writer that makes
 * topics exactly-once.
 *
 * <p>Read {@link io.tidemark.capture.ChangeTracker} first (what other rooms call), then {@link
 * io.tidemark.capture.CaptureLoop} (one source connection's life) and {@link
 * io.tidemark.capture.KafkaChangeWriter} (why nothing is lost or doubled). The slot is the only
 * durable position at the source, the position topic the only one in Kafka: Debezium's own offsets
 * are never stored.
 */
@NullMarked
package io.tidemark.capture;

import org.jspecify.annotations.NullMarked;

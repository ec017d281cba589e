/**
 * What Kafka's brokers tell of topics, written once for those who write and those who read them.
 */
@NullMarked
package io.tidemark.kafka;

import org.jspecify.annotations.NullMarked;

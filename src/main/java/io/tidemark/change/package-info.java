/**
 * The words that both ends of a topic share: what a change is, which row it is about, where in the
 * source's history it stands, and how it is written as JSON.
 *
 * <p>Read {@link io.tidemark.change.Change} first, then {@link io.tidemark.change.ChangeJson} and
 * {@link io.tidemark.change.TableSchemaJson}, whose shapes {@code schemas/} publishes. This room is
 * pure: it knows neither Kafka, Debezium nor a database.
 */
@NullMarked
package io.tidemark.change;

import org.jspecify.annotations.NullMarked;

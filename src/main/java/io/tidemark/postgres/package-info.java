/**
 * What PostgreSQL itself offers, written once: identifiers and their quoting, LSNs, what the
 * catalog says of a table, what an SQLSTATE means, COPY, replication origins.
 *
 * <p>Read {@link io.tidemark.postgres.TableShape} first: it is what the other rooms build their
 * statements from.
 */
@NullMarked
package io.tidemark.postgres;

import org.jspecify.annotations.NullMarked;

/**
 * Real PostgreSQL and a real Kafka broker in this machine: the same code serves the demo, a run
 * without configuration, and the tests. Owns the data directory, its lock, both servers' settings
 * and their recovery after a kill. Knows nothing of Tidemark's other rooms. Read {@link
 * io.tidemark.embedded.EmbeddedStack} first.
 *
 * <p>RATIONALE. The zonky artifacts carry PostgreSQL's programs; we drive {@code initdb} and {@code
 * pg_ctl} ourselves instead of through its {@code EmbeddedPostgres}. That class is made for tests
 * that throw their data away: fsync off, trust for every local user, programs in the temporary
 * directory, ten seconds to start and five to stop, a shutdown hook that stops the database before
 * those who write to it. A server that keeps data must outlive a kill: an initdb cut off half-way,
 * an orphaned server on the port, a stale {@code postmaster.pid}, minutes of log to replay. The
 * server is started by {@code pg_ctl} rather than as our child because that gives it a session of
 * its own: Ctrl-C reaches only us, and we stop it last.
 */
@NullMarked
package io.tidemark.embedded;

import org.jspecify.annotations.NullMarked;

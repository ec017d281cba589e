/**
 * Measurements that anybody can repeat: the packaged program beside its peers, in one run, on the
 * same servers. {@code BenchIT} is the entry.
 */
@NullMarked
package io.tidemark.bench;

import org.jspecify.annotations.NullMarked;

package io.tidemark.copy;

import io.tidemark.change.RowKey;
import io.tidemark.sync.TableMapping;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;

/**
 * What is to be compared.
 *
 * @param waiting the keys that wait for a person's decision, asked for more than once
 */
public record VerifyRequest(UUID execution, TableMapping mapping, Supplier<Set<RowKey>> waiting) {}

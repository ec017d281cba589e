package io.tidemark.apply;

import io.tidemark.conflict.ConflictPolicy;
import io.tidemark.sync.TableMapping;

/** How a loop writes: the tables as both databases have them, and what is done about conflicts. */
public record ApplyPlan(TableMapping mapping, ConflictPolicy policy) {}

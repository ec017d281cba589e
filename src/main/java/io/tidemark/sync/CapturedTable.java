package io.tidemark.sync;

import io.tidemark.change.TableName;

/** A table whose changes are captured, and the connection that it is read through. */
public record CapturedTable(String connection, TableName table) {}

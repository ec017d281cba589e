package io.tidemark.conflict;

/** What was found in the target instead of what the change expected. */
public enum ConflictType {
  INSERT_EXISTS,
  UPDATE_ORIGIN_DIFFERS,
  UPDATE_MISSING,
  DELETE_ORIGIN_DIFFERS,
  DELETE_MISSING,
  UNIQUE_VIOLATION,
  MERGE_DIFFERS
}

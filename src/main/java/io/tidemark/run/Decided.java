package io.tidemark.run;

import io.tidemark.conflict.Conflict;

/** What became of a decision that could be made. */
public sealed interface Decided {
  /** It is carried out; also if it was already when it was made again. */
  record Done(Conflict conflict) implements Decided {}

  /** The target's row is not the one that the conflict had: nothing was written. It has it now. */
  record Changed(Conflict fresh) implements Decided {}
}

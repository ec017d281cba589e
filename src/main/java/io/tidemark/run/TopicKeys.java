package io.tidemark.run;

import io.tidemark.apply.KafkaCatchUp;
import io.tidemark.change.RowKey;
import io.tidemark.copy.MergeJoin.ChangedKeys;
import java.util.List;

/** Hands keys that the topic's changes are about to whoever compares rows: two rooms' words. */
final class TopicKeys implements KafkaCatchUp.Keys {
  private final ChangedKeys keys;

  private TopicKeys(ChangedKeys keys) {
    this.keys = keys;
  }

  static KafkaCatchUp.Keys into(ChangedKeys keys) {
    return new TopicKeys(keys);
  }

  @Override
  public void changed(List<RowKey> changed) {
    keys.changed(changed);
  }

  @Override
  public void truncated() {
    keys.truncated();
  }
}

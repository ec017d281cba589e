package io.tidemark.run;

import io.tidemark.change.Row;
import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import io.tidemark.sync.TableMapping;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A row's key as a person names it. */
public sealed interface AskedKey {
  /** The values of the target's key columns, in the key's order, or what is wrong with them. */
  Outcome<List<String>> in(TableMapping mapping);

  /** The value of the key's only column. */
  record Plain(String value) implements AskedKey {
    @Override
    public Outcome<List<String>> in(TableMapping mapping) {
      return mapping.key().size() == 1
          ? Outcome.of(List.of(value))
          : Outcome.refused(refusal(mapping));
    }
  }

  /** A value for each of the key's columns, by the target's names. */
  record Named(Row values) implements AskedKey {
    @Override
    public Outcome<List<String>> in(TableMapping mapping) {
      List<String> names = mapping.targetKeyNames();
      if (!Set.copyOf(names).equals(Set.copyOf(values.shape().columns()))) {
        return Outcome.refused(refusal(mapping));
      }
      List<String> key = new ArrayList<>();
      for (String name : names) {
        @Nullable String value = values.value(values.shape().indexOf(name));
        if (value == null) {
          return Outcome.refused(Refusal.invalid("key", "'key': no key has a null"));
        }
        key.add(value);
      }
      return Outcome.of(key);
    }
  }

  private static Refusal refusal(TableMapping mapping) {
    return Refusal.invalid(
        "key",
        "'key' is a JSON object with a value for each of "
            + String.join(", ", mapping.targetKeyNames())
            + "; of a key of one column it may be the value alone");
  }
}

package io.tidemark.declared;

import io.tidemark.sync.Outcome;
import io.tidemark.sync.Refusal;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;

/**
 * The file of {@code tidemark.sync-file}.
 *
 * @param settings the value of a name that the file refers to
 */
public record SyncFile(Path path, Function<String, Optional<String>> settings) {
  /** Ten thousand definitions with every field; it is read every few seconds. */
  private static final long BYTES_MAX = 10 << 20;

  /** What it says now, or why it cannot be read. */
  Outcome<String> text() {
    try {
      if (Files.size(path) > BYTES_MAX) {
        return refused("it is larger than 10 MB");
      }
      return Outcome.of(Files.readString(path, StandardCharsets.UTF_8));
    } catch (IOException e) {
      return refused("it cannot be read: " + e);
    }
  }

  private static <T> Outcome<T> refused(String why) {
    return Outcome.refused(Refusal.invalid("", why));
  }

  /** What it declares, or all that is wrong with it. */
  public Outcome<Declaration> read() {
    return text().then(this::read);
  }

  Outcome<Declaration> read(String text) {
    return DeclarationJson.read(text, settings);
  }
}

package io.tidemark.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.tidemark.Background;
import io.tidemark.embedded.EmbeddedStack.Part;
import io.tidemark.embedded.ForkedStack;
import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/** A PostgreSQL or a broker that is not Tidemark's own: it goes and comes back alone. */
final class ExternalServer implements AutoCloseable {
  private final Path directory;
  private final Part part;
  private ForkedStack running;

  private ExternalServer(Path directory, Part part) throws IOException {
    this.directory = directory;
    this.part = part;
    running = ForkedStack.start(directory, part);
  }

  /** Started beside others, since each takes seconds. */
  static CompletableFuture<ExternalServer> start(Path directory, Part part) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return new ExternalServer(directory, part);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        },
        Background.THREADS);
  }

  void stop() throws IOException {
    running.close();
  }

  /** As it was: its data and its address are the same. */
  void startAgain() throws IOException {
    String former = address();
    running = ForkedStack.start(directory, part);
    assertThat(address()).isEqualTo(former);
  }

  private String address() {
    return part == Part.KAFKA ? running.bootstrapServers() : running.jdbcUrl();
  }

  String bootstrapServers() {
    return running.bootstrapServers();
  }

  PgDatabase database(String connection) {
    return new PgDatabase(connection, running.jdbcUrl(), null, null);
  }

  @Override
  public void close() throws IOException {
    stop();
  }
}

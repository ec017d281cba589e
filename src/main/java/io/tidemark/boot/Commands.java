package io.tidemark.boot;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;

/** The command line. Without a command it serves. */
@Command(
    name = "tidemark",
    description = "Keeps SQL tables in step, continuously, and can prove it.",
    mixinStandardHelpOptions = true,
    versionProvider = Commands.Version.class,
    subcommands = {Commands.Demo.class, Commands.Check.class},
    footer = {
      "",
      "Without a command it serves REST on http://127.0.0.1:8080 and keeps the",
      "configured tables in step. Whatever is not configured (metadata database,",
      "Kafka, source, target) is started inside the process and kept in",
      "./tidemark-data.",
      "",
      "Settings: -D system properties before -jar, environment variables, or",
      "config/application.properties; the README lists them."
    })
final class Commands implements Callable<Integer> {
  @Override
  public Integer call() {
    return Launch.run(RunMode.SERVE);
  }

  @Command(
      name = "demo",
      description =
          "Runs sample shop tables with a live workload and their syncs, and shows how they do.",
      mixinStandardHelpOptions = true,
      versionProvider = Version.class)
  static final class Demo implements Callable<Integer> {
    @Option(
        names = "--once",
        description =
            "Load, change, sync, verify source = target by content, print a summary and end; exit"
                + " code 0 only if equal.")
    private boolean once;

    @Override
    public Integer call() {
      return Launch.run(once ? RunMode.DEMO_ONCE : RunMode.DEMO);
    }
  }

  @Command(
      name = "check",
      description =
          "Checks every connection, privilege, setting and configuration; exit code 1 if anything"
              + " would fail.",
      mixinStandardHelpOptions = true,
      versionProvider = Version.class)
  static final class Check implements Callable<Integer> {
    @Option(
        names = "--plan",
        description = "Say also what applying the sync file (tidemark.sync-file) would change.")
    private boolean plan;

    @Override
    public Integer call() {
      return Launch.run(plan ? RunMode.CHECK_PLAN : RunMode.CHECK);
    }
  }

  /** The version that the build wrote. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"tidemark " + current()};
    }

    /** Known before the framework has started, which a command may never need. */
    static String current() {
      try (InputStream file = Commands.class.getResourceAsStream("/tidemark.properties")) {
        Properties properties = new Properties();
        properties.load(Objects.requireNonNull(file, "tidemark.properties is packaged"));
        return properties.getProperty("version");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}

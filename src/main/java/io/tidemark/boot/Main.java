package io.tidemark.boot;

import io.quarkus.runtime.annotations.QuarkusMain;
import picocli.CommandLine;

/** Where the process starts: reads the command line and runs what it names. */
@QuarkusMain
public final class Main {
  private Main() {}

  public static void main(String... args) {
    int code = new CommandLine(new Commands()).execute(args);
    if (code != 0) {
      System.exit(code);
    }
  }
}

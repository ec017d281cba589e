package io.tidemark.boot;

import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The settings as they stand before the framework starts: what is not configured has to be started
 * first, and the framework needs its addresses.
 *
 * @param tidemark all settings under {@code tidemark.}
 * @param hasKafka whether a Kafka cluster is configured
 * @param httpHost where REST listens
 */
record Settings(TidemarkConfig tidemark, boolean hasKafka, String httpHost) {
  /** Quarkus reads this file too, at the same rank. */
  private static final Path FILE = Path.of("config", "application.properties");

  private static final int FILE_ORDINAL = 260;
  private static final int CLASSPATH_ORDINAL = 250;

  /**
   * Reads and checks the settings.
   *
   * @throws SettingsException with a sentence that names the setting
   */
  static Settings read() {
    SmallRyeConfig config = load();
    TidemarkConfig tidemark = config.getConfigMapping(TidemarkConfig.class);
    Settings settings =
        new Settings(
            tidemark,
            config.getOptionalValue("kafka.bootstrap.servers", String.class).isPresent(),
            config.getOptionalValue("quarkus.http.host", String.class).orElse("127.0.0.1"));
    settings.check();
    return settings;
  }

  private static SmallRyeConfig load() {
    try {
      SmallRyeConfigBuilder builder =
          new SmallRyeConfigBuilder()
              .addDefaultInterceptors()
              .addDefaultSources()
              .addDiscoveredConverters()
              .withMapping(TidemarkConfig.class);
      URL packaged = Settings.class.getResource("/application.properties");
      if (packaged != null) {
        builder.withSources(new PropertiesConfigSource(packaged, CLASSPATH_ORDINAL));
      }
      if (Files.isReadable(FILE)) {
        builder.withSources(new PropertiesConfigSource(url(FILE), FILE_ORDINAL));
      }
      return builder.build();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (RuntimeException e) {
      throw new SettingsException("A setting is not valid: " + e.getMessage());
    }
  }

  private static URL url(Path file) throws MalformedURLException {
    return file.toUri().toURL();
  }

  private void check() {
    if (!tidemark.capture().runtime().equals("embedded")) {
      throw new SettingsException(
          "tidemark.capture.runtime is '"
              + tidemark.capture().runtime()
              + "': only 'embedded' is available yet");
    }
    if (tidemark.copies().maxRowsPerSecond() < 0) {
      throw new SettingsException(
          "tidemark.copies.max-rows-per-second is "
              + tidemark.copies().maxRowsPerSecond()
              + ": 0 is no bound, and a bound is more");
    }
    if (tidemark.apply().sessions() < 1 || tidemark.apply().sessions() > 7) {
      throw new SettingsException(
          "tidemark.apply.sessions is " + tidemark.apply().sessions() + ": 1 to 7 are possible");
    }
    TidemarkConfig.Jwt jwt = tidemark.api().jwt();
    if (jwt.issuer().isPresent() && (jwt.keysUrl().isEmpty() || jwt.audience().isEmpty())) {
      throw new SettingsException(
          "tidemark.api.jwt.issuer is set: set tidemark.api.jwt.keys-url and"
              + " tidemark.api.jwt.audience too");
    }
    if (!isLoopback(httpHost) && tidemark.api().tokens().isEmpty() && jwt.issuer().isEmpty()) {
      throw new SettingsException(
          "quarkus.http.host is "
              + httpHost
              + ", so others could reach the API without a token: set tidemark.api.tokens (such as"
              + " admin:<secret>) or tidemark.api.jwt.issuer, or listen on 127.0.0.1");
    }
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException e) {
      throw new SettingsException("quarkus.http.host is '" + host + "', which has no address");
    }
  }

  boolean hasStore() {
    return tidemark.store().url().isPresent();
  }

  boolean hasConnection(String name) {
    TidemarkConfig.Database database = tidemark.connections().get(name);
    return database != null && database.url().isPresent();
  }

  boolean needsPostgres() {
    return !hasStore() || !hasConnection("source") || !hasConnection("target");
  }
}

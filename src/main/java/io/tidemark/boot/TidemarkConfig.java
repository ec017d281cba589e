package io.tidemark.boot;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import io.smallrye.config.WithName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The settings under {@code tidemark.}, as they are written. {@link Settings} is what they mean.
 */
@ConfigMapping(prefix = "tidemark")
public interface TidemarkConfig {
  /** The metadata database; unset: the embedded one. */
  Database store();

  /** Databases by the name that configurations use for them. */
  Map<String, Database> connections();

  /** Where the embedded stack keeps its data across restarts. */
  @WithDefault("tidemark-data")
  Path dataDir();

  Embedded embedded();

  Topics topics();

  Capture capture();

  Conflicts conflicts();

  Executions executions();

  Apply apply();

  Copies copies();

  Audit audit();

  Api api();

  /** A YAML file of connections, configurations and orchestrations; applied now and on change. */
  Optional<Path> syncFile();

  /** Base64 of 32 bytes; encrypts passwords of connections created over REST. */
  Optional<String> secretKey();

  /** A database. */
  interface Database {
    /** JDBC URL, {@code jdbc:postgresql://…}; may carry user and password. */
    Optional<String> url();

    Optional<String> username();

    Optional<String> password();
  }

  /** Ports of the embedded stack, always on loopback; 0 is any free port. */
  interface Embedded {
    @WithDefault("5433")
    int postgresPort();

    @WithDefault("9094")
    int kafkaPort();
  }

  /** The change topics. */
  interface Topics {
    /** The first part of every topic's name. */
    @WithDefault("tidemark")
    String prefix();

    /** Partitions of a new topic, 1 to 1000. */
    @WithDefault("1")
    int partitions();

    /** Replicas of a new topic; unset: the broker's default. */
    OptionalInt replicationFactor();

    /** How long a change stays in its topic; longer than the longest outage of a target. */
    @WithDefault("7d")
    Duration retention();
  }

  /** Who runs Debezium. */
  interface Capture {
    /** {@code embedded}: this process. */
    @WithDefault("embedded")
    String runtime();
  }

  /** Rows that both sides wrote. */
  interface Conflicts {
    /**
     * Conflicts of one configuration that may wait for a decision at once, at least 1; beyond it
     * the configuration's stream pauses.
     */
    @WithDefault("100000")
    int waitingMax();

    /** How long a conflict that has ended is kept; one that waits is kept until it is decided. */
    @WithDefault("30d")
    Duration retention();
  }

  /** What runs, and the history of what ran. */
  interface Executions {
    /** How many run at once in this process, 1 to 64; each takes some sessions and a core. */
    @WithDefault("4")
    int parallel();

    /** How long an execution that has ended is kept; each configuration's newest one stays. */
    @WithDefault("90d")
    Duration retention();
  }

  /** How changes are applied. */
  interface Apply {
    /**
     * Sessions at the target with which this process writes one configuration's partitions at once,
     * 1 to 7; more than it has partitions stand idle.
     */
    @WithDefault("1")
    int sessions();
  }

  /** How rows are copied. */
  interface Copies {
    /**
     * How many rows a second all copies of this process read at most, together; 0 for no bound. A
     * slower copy keeps its snapshot, and vacuum waits behind that, for longer.
     */
    @WithDefault("0")
    long maxRowsPerSecond();
  }

  /** The record of who changed what. */
  interface Audit {
    /** How long an entry is kept at least. */
    @WithDefault("365d")
    Duration retention();
  }

  /** Who may call. */
  interface Api {
    /** Comma list of {@code role:token}, roles {@code viewer}, {@code operator}, {@code admin}. */
    @WithName("tokens")
    Optional<String> tokens();

    Jwt jwt();
  }

  /** JSON Web Tokens of one issuer; its issuer, keys and audience go together. */
  interface Jwt {
    /** The exact {@code iss} of its tokens. */
    Optional<String> issuer();

    /** The URL of its JSON Web Key Set. */
    Optional<String> keysUrl();

    /** What the {@code aud} of a token for this service holds. */
    Optional<String> audience();

    /** The claim with a role or a list of roles; dots lead into objects. */
    @WithDefault("roles")
    String rolesClaim();
  }
}

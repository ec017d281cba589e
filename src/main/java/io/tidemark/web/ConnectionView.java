package io.tidemark.web;

import io.tidemark.change.WireName;
import io.tidemark.sync.ConnectionRegistry;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** A connection, as it is answered: without its password, and the URL without its parameters. */
@Schema(name = "Connection")
record ConnectionView(
    String name,
    @Schema(examples = "jdbc:postgresql://db.example.org:5432/shop") String url,
    @Schema(nullable = true) @Nullable String username,
    @Schema(
            enumeration = {"settings", "api"},
            description = "Those of the settings can be changed only there")
        String origin) {
  static ConnectionView of(ConnectionRegistry.Described connection) {
    return new ConnectionView(
        connection.name(),
        connection.url(),
        connection.username(),
        WireName.of(connection.origin()));
  }
}

package io.tidemark.web;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.SnakeCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.tidemark.change.WireName;
import io.tidemark.declared.Kind;
import io.tidemark.sync.ConnectionRegistry;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** A connection, as it is answered: without its password, and the URL without its parameters. */
@JsonNaming(SnakeCaseStrategy.class)
@Schema(name = "Connection")
record ConnectionView(
    String name,
    @Schema(examples = "jdbc:postgresql://db.example.org:5432/shop") String url,
    @Schema(nullable = true) @Nullable String username,
    @Schema(
            enumeration = {"settings", "api"},
            description = "Those of the settings can be changed only there")
        String origin,
    @Schema(nullable = true, examples = ManagedBy.SYNC_FILE, description = ManagedBy.DESCRIPTION)
        @Nullable String managedBy) {
  static ConnectionView of(ConnectionRegistry.Described connection, ManagedBy managed) {
    return new ConnectionView(
        connection.name(),
        connection.url(),
        connection.username(),
        WireName.of(connection.origin()),
        managed.of(Kind.CONNECTION, connection.name()));
  }
}

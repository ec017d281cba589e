package io.tidemark.web;

import org.eclipse.microprofile.openapi.annotations.OpenAPIDefinition;
import org.eclipse.microprofile.openapi.annotations.info.Info;
import org.eclipse.microprofile.openapi.annotations.info.License;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

/** What all resources share. */
@OpenAPIDefinition(
    info =
        @Info(
            title = "Tidemark",
            version = "1",
            description =
                "Keeps SQL tables in step. Field names are snake_case, times RFC 3339 in UTC, ids"
                    + " UUIDs. Every error is application/problem+json and says what to do.",
            license = @License(name = "Apache-2.0")),
    tags = {
      @Tag(name = Api.CONFIGURATIONS, description = "What is kept in step"),
      @Tag(name = Api.EXECUTIONS, description = "What was run, and how it went"),
      @Tag(name = Api.ORCHESTRATIONS, description = "Several configurations that run as one"),
      @Tag(name = Api.CONFLICTS, description = "Rows that both sides wrote"),
      @Tag(name = Api.CONNECTIONS, description = "The databases"),
      @Tag(name = Api.SYSTEM, description = "Captures, topics and this process")
    })
final class Api {
  static final String ROOT = "/api/v1/sync/sql-sync";
  static final String MERGE_PATCH = "application/merge-patch+json";
  static final String PROBLEM = "application/problem+json";

  static final String CONFIGURATIONS = "configurations";
  static final String EXECUTIONS = "executions";
  static final String ORCHESTRATIONS = "orchestrations";
  static final String CONFLICTS = "conflicts";
  static final String CONNECTIONS = "connections";
  static final String SYSTEM = "system";

  private Api() {}
}

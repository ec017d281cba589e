package io.tidemark.web;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tidemark.declared.DeclaredSyncs;
import io.tidemark.run.ConfigurationBatch;
import io.tidemark.run.ConfigurationBatch.Planned;
import io.tidemark.sync.Page;
import io.tidemark.sync.SyncDefinitionJson;
import io.tidemark.sync.TableSelectionJson;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.eclipse.microprofile.openapi.annotations.tags.Tag;

/** Configurations for many tables in one call. */
@Path(Api.ROOT)
@Produces(MediaType.APPLICATION_JSON)
@Tag(name = Api.CONFIGURATIONS)
final class ConfigurationBatchResource {
  private final ConfigurationBatch batch;
  private final ConfigurationView view;
  private final ObjectMapper json;

  ConfigurationBatchResource(ConfigurationBatch batch, DeclaredSyncs declared, ObjectMapper json) {
    this.batch = batch;
    this.view = new ConfigurationView(json, declared);
    this.json = json;
  }

  @POST
  @Path("configurations/batch")
  @Consumes(MediaType.APPLICATION_JSON)
  @Operation(
      operationId = "createConfigurations",
      summary = "Keeps many tables of a schema in step: all of them, or none",
      description =
          "Both databases are asked about every table first; a refusal names each table and the"
              + " fix. With dry_run nothing is made: the answer is 200 with what would be.")
  @RequestBody(
      required = true,
      content =
          @Content(
              schema = @Schema(implementation = BatchRequest.class),
              example = BatchRequest.EXAMPLE))
  @APIResponse(
      responseCode = "201",
      description = "All accepted and started",
      content = @Content(schema = @Schema(implementation = Schemas.ConfigurationPage.class)))
  @APIResponse(
      responseCode = "200",
      description = "dry_run: what would be made",
      content = @Content(schema = @Schema(implementation = PlannedList.class)))
  public Response create(byte[] body) {
    TableSelectionJson selection =
        TableSelectionJson.read(RequestJson.object(body)).orElseThrow(ProblemException::new);
    if (selection.isDryRun()) {
      return Response.ok(
              PageView.of(batch.plan(selection).orElseThrow(ProblemException::new), this::planned))
          .build();
    }
    return Response.status(Response.Status.CREATED)
        .entity(
            view.of(new Page<>(batch.create(selection).orElseThrow(ProblemException::new), null)))
        .build();
  }

  private ObjectNode planned(Planned planned) {
    ObjectNode answer = SyncDefinitionJson.write(planned.definition());
    answer.set(
        "warnings", json.valueToTree(planned.warnings().stream().map(FindingView::of).toList()));
    return answer;
  }

  /** The fields of a request; nothing makes one. */
  @Schema(
      name = "ConfigurationBatchRequest",
      requiredProperties = {"schema", "template"},
      description = "Which tables of a schema to keep in step, and how")
  static final class BatchRequest {
    static final String EXAMPLE =
        """
        {
          "schema": "shop",
          "include": ["*"],
          "exclude": ["tmp_*"],
          "target_schema": "{schema}_copy",
          "template": {"sync_strategy": "incremental"},
          "dry_run": true
        }
        """;

    @Schema(description = "A schema of the source, as the catalog has its name")
    public String schema = "";

    @Schema(
        description = "Names of tables as the catalog has them; * is any text, ? one character",
        defaultValue = "[\"*\"]")
    public List<String> include = List.of();

    @Schema(description = "Likewise; these are left out. Partitions are never selected")
    public List<String> exclude = List.of();

    @Schema(
        description = "Each configuration's name, of {schema} and {table}",
        defaultValue = "{schema}.{table}")
    public String name = "";

    @Schema(defaultValue = "{schema}")
    public String target_schema = "";

    @Schema(defaultValue = "{table}")
    public String target_table = "";

    @Schema(
        type = SchemaType.OBJECT,
        description =
            "The other fields of a configuration, the same for all; name, source_table and"
                + " target_table are left out")
    public Object template = "";

    @Schema(defaultValue = "false")
    public boolean dry_run;
  }

  /** A definition, and what to beware of. */
  @Schema(name = "PlannedConfiguration")
  static final class PlannedConfiguration extends Schemas.ConfigurationRequest {
    public List<FindingView> warnings = List.of();
  }

  /** A list that is one page. */
  @Schema(name = "PlannedConfigurationList")
  static final class PlannedList {
    public List<PlannedConfiguration> items = List.of();

    @Schema(nullable = true, description = "Always null")
    public String next = "";
  }
}

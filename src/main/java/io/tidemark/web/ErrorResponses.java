package io.tidemark.web;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.eclipse.microprofile.openapi.OASFactory;
import org.eclipse.microprofile.openapi.OASFilter;
import org.eclipse.microprofile.openapi.models.OpenAPI;
import org.eclipse.microprofile.openapi.models.Operation;
import org.eclipse.microprofile.openapi.models.PathItem.HttpMethod;
import org.eclipse.microprofile.openapi.models.parameters.Parameter;
import org.eclipse.microprofile.openapi.models.responses.APIResponse;
import org.eclipse.microprofile.openapi.models.responses.APIResponses;

/**
 * Completes the description of the API with the errors that follow from an operation's shape, the
 * same for all; what an operation says of one by itself stays.
 */
public final class ErrorResponses implements OASFilter {
  /** Nothing that is there already stands in their way. */
  private static final Set<String> NEVER_IN_THE_WAY = Set.of("checkConnection", "resolveConflicts");

  @Override
  public void filterOpenAPI(OpenAPI description) {
    description
        .getPaths()
        .getPathItems()
        .forEach(
            (path, item) ->
                item.getOperations()
                    .forEach((method, operation) -> complete(path, method, operation)));
  }

  private static void complete(String path, HttpMethod method, Operation operation) {
    boolean hasBody = operation.getRequestBody() != null;
    Map<String, String> errors = new TreeMap<>();
    errors.put("400", "Malformed or not valid; errors names each field or parameter");
    errors.put("401", "Tokens are needed, and there is no valid one");
    errors.put("403", "The token's role may not do that");
    errors.put("503", "What is needed does not work: the metadata database, or Kafka");
    if (path.contains("{")) {
      errors.put("404", "There is nothing of that id or name");
    }
    if (method != HttpMethod.GET && !NEVER_IN_THE_WAY.contains(operation.getOperationId())) {
      errors.put("409", "It cannot be done as things are; detail says why");
    }
    if (has(operation, "If-Match")) {
      errors.put("412", "It was changed meanwhile; read it again");
    }
    if (hasBody) {
      errors.put("413", "The body is too large");
      errors.put("415", "The body is not JSON");
    }
    if (method != HttpMethod.GET || path.endsWith("/rows") || path.endsWith("/topics")) {
      errors.put("422", "The databases say no; detail has what to do about it");
    }
    APIResponses responses = operation.getResponses();
    errors.forEach(
        (status, text) -> {
          if (!responses.hasAPIResponse(status)) {
            responses.addAPIResponse(status, problem(text));
          }
        });
  }

  private static boolean has(Operation operation, String header) {
    return operation.getParameters() != null
        && operation.getParameters().stream()
            .filter(one -> one.getIn() == Parameter.In.HEADER)
            .anyMatch(one -> header.equals(one.getName()));
  }

  private static APIResponse problem(String description) {
    return OASFactory.createAPIResponse()
        .description(description)
        .content(
            OASFactory.createContent()
                .addMediaType(
                    Api.PROBLEM,
                    OASFactory.createMediaType()
                        .schema(OASFactory.createSchema().ref("#/components/schemas/Problem"))));
  }
}

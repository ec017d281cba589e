package io.tidemark.web;

import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.ResourceInfo;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.ext.Provider;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jspecify.annotations.Nullable;

/**
 * Lets a request to the API pass if its bearer token has the role. It decides by the method that
 * was matched, not by the path, so no way of writing a path gets around it.
 */
@Provider
final class TokenFilter implements ContainerRequestFilter {
  private static final String SCHEME = "bearer ";

  private final ApiTokens tokens;

  @Context @Nullable ResourceInfo matched;

  TokenFilter(@ConfigProperty(name = "tidemark.api.tokens") Optional<List<String>> tokens) {
    this.tokens = ApiTokens.parse(tokens.orElse(List.of()));
  }

  @Override
  public void filter(ContainerRequestContext request) {
    if (!tokens.areRequired() || matched == null || !isOfApi(matched.getResourceClass())) {
      return;
    }
    Optional<ApiRole> role =
        bearer(request.getHeaderString(HttpHeaders.AUTHORIZATION)).flatMap(tokens::roleOf);
    if (role.isEmpty()) {
      request.abortWith(
          ProblemMapper.answer(
                  Problem.of(
                      401,
                      "unauthenticated",
                      "Who are you?",
                      "send a token of tidemark.api.tokens: Authorization: Bearer …"))
              .header(HttpHeaders.WWW_AUTHENTICATE, "Bearer")
              .build());
    } else if (!role.get().covers(needed(matched.getResourceMethod()))) {
      request.abortWith(
          ProblemMapper.answer(
                  Problem.of(
                      403,
                      "forbidden",
                      "This role may not do that",
                      "it needs a token of role "
                          + needed(matched.getResourceMethod()).name().toLowerCase(Locale.ROOT)))
              .build());
    } else {
      request.setSecurityContext(new Caller(role.get()));
    }
  }

  private static boolean isOfApi(Class<?> resource) {
    Path path = resource.getAnnotation(Path.class);
    return path != null && path.value().startsWith(Api.ROOT);
  }

  private static ApiRole needed(Method method) {
    if (method.isAnnotationPresent(AdminOnly.class)) {
      return ApiRole.ADMIN;
    }
    return method.isAnnotationPresent(GET.class) ? ApiRole.VIEWER : ApiRole.OPERATOR;
  }

  private static Optional<String> bearer(@Nullable String header) {
    return header != null && header.toLowerCase(Locale.ROOT).startsWith(SCHEME)
        ? Optional.of(header.substring(SCHEME.length()).strip())
        : Optional.empty();
  }
}

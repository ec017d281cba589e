package io.tidemark.web;

import io.tidemark.change.WireName;
import jakarta.annotation.Priority;
import jakarta.enterprise.inject.Instance;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Priorities;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.ResourceInfo;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.ext.Provider;
import java.lang.reflect.Method;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Lets a request to the API pass if its bearer token has the role. It decides by the method that
 * was matched, not by the path, so no way of writing a path gets around it.
 */
@Provider
@Priority(Priorities.AUTHENTICATION)
final class TokenFilter implements ContainerRequestFilter {
  private static final String SCHEME = "bearer ";

  /** Asked when a request comes: filters are made before the settings are known. */
  private final Instance<ApiAccess> access;

  @Context @Nullable ResourceInfo matched;

  TokenFilter(Instance<ApiAccess> access) {
    this.access = access;
  }

  @Override
  public void filter(ContainerRequestContext request) {
    if (!access.get().needsToken() || matched == null || !isOfApi(matched.getResourceClass())) {
      return;
    }
    Optional<Caller> caller =
        bearer(request.getHeaderString(HttpHeaders.AUTHORIZATION)).flatMap(access.get()::callerOf);
    ApiRole needed = needed(matched.getResourceMethod());
    if (caller.isEmpty()) {
      request.abortWith(
          ProblemMapper.answer(
                  Problem.of(
                      401,
                      "unauthenticated",
                      "Who are you?",
                      "send a valid token: Authorization: Bearer …; it is one of"
                          + " tidemark.api.tokens or of the issuer of tidemark.api.jwt"))
              .header(HttpHeaders.WWW_AUTHENTICATE, "Bearer")
              .build());
    } else if (!caller.get().may(needed)) {
      request.abortWith(
          ProblemMapper.answer(
                  Problem.of(
                      403,
                      "forbidden",
                      "This role may not do that",
                      "it needs a token of role " + WireName.of(needed)))
              .build());
    } else {
      request.setSecurityContext(caller.get());
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

package io.tidemark.web;

import io.tidemark.declared.DeclaredSyncs;
import io.tidemark.sync.Refusal;
import jakarta.enterprise.inject.Instance;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.ResourceInfo;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.ext.Provider;
import java.lang.reflect.Method;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keeps requests from changing what the sync file owns: the next application of the file would undo
 * it, and nobody would know why.
 */
@Provider
final class DeclaredFilter implements ContainerRequestFilter {
  /** Asked when a request comes: filters are made before the settings are known. */
  private final Instance<DeclaredSyncs> declared;

  @Context @Nullable ResourceInfo matched;

  DeclaredFilter(Instance<DeclaredSyncs> declared) {
    this.declared = declared;
  }

  @Override
  public void filter(ContainerRequestContext request) {
    Method method = matched == null ? null : matched.getResourceMethod();
    Declarable changes = method == null ? null : method.getAnnotation(Declarable.class);
    if (changes == null) {
      return;
    }
    request.getUriInfo().getPathParameters().values().stream()
        .flatMap(List::stream)
        .findFirst()
        .flatMap(reference -> declared.get().owned(changes.value(), reference))
        .ifPresent(
            owned ->
                request.abortWith(
                    ProblemMapper.answer(
                            new ProblemException(
                                    Refusal.state(
                                        owned + " comes from the sync file; change it there"))
                                .problem())
                        .build()));
  }
}

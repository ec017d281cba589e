package io.tidemark.web;

import io.tidemark.sync.JdbcAudit;
import jakarta.enterprise.inject.Instance;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.container.ContainerResponseFilter;
import jakarta.ws.rs.container.ResourceInfo;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.ext.Provider;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.reflect.Method;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

/** Puts every request that changed something on record: who, what, and what was sent. */
@Provider
final class AuditFilter implements ContainerRequestFilter, ContainerResponseFilter {
  private static final Logger LOG = Logger.getLogger(AuditFilter.class);
  private static final String BODY = AuditFilter.class.getName() + ".body";

  /** Their bodies hold passwords, and rows of the user's tables. */
  private static final Set<Class<?>> SECRETIVE =
      Set.of(ConnectionsResource.class, ConflictsResource.class);

  /** What a request may hold is not much larger; the store keeps it for a year. */
  private static final int BODY_BYTES_MAX = 256 * 1024;

  /** Asked when a request comes: filters are made before the settings are known. */
  private final Instance<JdbcAudit> audit;

  @Context @Nullable ResourceInfo matched;

  AuditFilter(Instance<JdbcAudit> audit) {
    this.audit = audit;
  }

  @Override
  public void filter(ContainerRequestContext request) throws IOException {
    if (method() == null || mayHoldSecret()) {
      return;
    }
    byte[] body = request.getEntityStream().readNBytes(BODY_BYTES_MAX + 1);
    if (body.length > 0 && body.length <= BODY_BYTES_MAX) {
      request.setProperty(BODY, body);
    }
    request.setEntityStream(new ByteArrayInputStream(body));
  }

  @Override
  public void filter(ContainerRequestContext request, ContainerResponseContext response) {
    Method method = method();
    if (method == null
        || response.getStatusInfo().getFamily() != Response.Status.Family.SUCCESSFUL) {
      return;
    }
    byte[] body = (byte[]) request.getProperty(BODY);
    try {
      audit
          .get()
          .add(
              Caller.nameIn(request.getSecurityContext()),
              method.getAnnotation(Operation.class).operationId(),
              subject(request, response),
              body == null ? null : new String(body, StandardCharsets.UTF_8));
    } catch (RuntimeException e) {
      // The change is made already; that its record is missing must not hide that.
      LOG.error("A change was made and could not be put on record", e);
    }
  }

  /** The method that changes something; null for any other request. */
  private @Nullable Method method() {
    // A path that is none, or a method that it has not, matches nothing.
    Method method = matched == null ? null : matched.getResourceMethod();
    return method == null
            || method.isAnnotationPresent(GET.class)
            || !method.isAnnotationPresent(Operation.class)
        ? null
        : method;
  }

  /** Whether the body may hold what must not be kept. */
  private boolean mayHoldSecret() {
    return matched != null && SECRETIVE.contains(matched.getResourceClass());
  }

  private static String subject(
      ContainerRequestContext request, ContainerResponseContext response) {
    String path = request.getUriInfo().getPath();
    String location = response.getHeaderString(HttpHeaders.LOCATION);
    // What was made has its id in the answer only.
    String whole = location == null ? path : URI.create(location).getPath();
    int root = whole.indexOf(Api.ROOT);
    return root < 0 ? whole : whole.substring(root + Api.ROOT.length() + 1);
  }
}

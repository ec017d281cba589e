package io.tidemark.web;

import io.tidemark.change.OperatingFailure;
import io.tidemark.sync.JdbcStoreFailures;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import java.util.List;
import java.util.Map;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/** The one place where failures become HTTP. */
final class ProblemMapper {
  private static final Logger LOG = Logger.getLogger(ProblemMapper.class);

  private static final Map<Integer, String> DETAILS =
      Map.of(
          400, "the request cannot be read",
          401, "a bearer token is needed: Authorization: Bearer …",
          403, "this role may not do that",
          404, "there is nothing at this path",
          405, "this path has no such method",
          406, "the answer is application/json; accept that",
          413, "the request is too large",
          415, "send the body as Content-Type: application/json");

  @ServerExceptionMapper
  public Response map(ProblemException e) {
    return answer(e.problem()).build();
  }

  /** What the framework refuses by itself: its own text is for developers, ours for users. */
  @ServerExceptionMapper
  public Response map(WebApplicationException e) {
    Response given = e.getResponse();
    int status = given.getStatus();
    if (status >= Response.Status.INTERNAL_SERVER_ERROR.getStatusCode()) {
      return map((Throwable) e);
    }
    String title = Response.Status.fromStatusCode(status) == null ? "Refused" : reason(status);
    String detail = DETAILS.getOrDefault(status, title);
    Response.ResponseBuilder answer = answer(Problem.of(status, "http", title, detail));
    Object allow = given.getHeaderString(HttpHeaders.ALLOW);
    if (allow != null) {
      answer.header(HttpHeaders.ALLOW, allow);
    }
    return answer.build();
  }

  private static String reason(int status) {
    return Response.Status.fromStatusCode(status).getReasonPhrase();
  }

  /** A failure of something that we rely on. */
  @ServerExceptionMapper
  public Response map(OperatingFailure e) {
    String hint = e.hint().map(text -> ". " + text).orElse("");
    boolean isDatabase =
        switch (e.kind()) {
          case USER, SOURCE, TARGET -> true;
          case STORE, BROKER, CAPACITY -> false;
        };
    LOG.warnf(e, "A request failed: code=%s kind=%s", e.code(), e.kind());
    return answer(
            Problem.of(
                "urn:tidemark:problem:" + e.code(),
                isDatabase ? "The databases say no" : "Something that is needed does not work",
                isDatabase ? 422 : 503,
                e.getMessage() + hint,
                List.of(),
                null))
        .build();
  }

  /** Without the metadata database, or a defect of ours; the answer never has a stack trace. */
  @ServerExceptionMapper
  public Response map(Throwable e) {
    return JdbcStoreFailures.in(e).map(this::map).orElseGet(() -> unexpected(e));
  }

  private static Response unexpected(Throwable e) {
    LOG.error("A request failed unexpectedly", e);
    return answer(
            Problem.of(
                500,
                "internal",
                "Internal error",
                "something went wrong that should not; the log of the server has the details"))
        .build();
  }

  static Response.ResponseBuilder answer(Problem problem) {
    return Response.status(problem.status()).type(Api.PROBLEM).entity(problem);
  }
}

package io.tidemark.web;

import io.tidemark.change.WireName;
import jakarta.ws.rs.core.SecurityContext;
import java.security.Principal;
import org.jspecify.annotations.Nullable;

/** Who calls, as far as a token tells: a role. */
record Caller(ApiRole role) implements SecurityContext {
  /** What is on record of a call for which no token was needed. */
  private static final String NOBODY = "api";

  /** The role of whoever calls, for the record. */
  static String nameIn(@Nullable SecurityContext context) {
    return context instanceof Caller || context != null && context.getUserPrincipal() != null
        ? context.getUserPrincipal().getName()
        : NOBODY;
  }

  @Override
  public Principal getUserPrincipal() {
    return () -> WireName.of(role);
  }

  @Override
  public boolean isUserInRole(String name) {
    return WireName.of(role).equals(name);
  }

  @Override
  public boolean isSecure() {
    return false;
  }

  @Override
  public String getAuthenticationScheme() {
    return "Bearer";
  }
}

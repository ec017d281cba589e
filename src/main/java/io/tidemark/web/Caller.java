package io.tidemark.web;

import io.tidemark.change.WireName;
import jakarta.ws.rs.core.SecurityContext;
import java.security.Principal;
import org.jspecify.annotations.Nullable;

/**
 * Who calls, as far as a token tells.
 *
 * @param role null if the token says none: it may do nothing
 * @param name for the record
 */
record Caller(@Nullable ApiRole role, String name) implements SecurityContext {
  /** What is on record of a call for which no token was needed. */
  private static final String NOBODY = "api";

  /** Whoever calls, for the record. */
  static String nameIn(@Nullable SecurityContext context) {
    return context instanceof Caller || context != null && context.getUserPrincipal() != null
        ? context.getUserPrincipal().getName()
        : NOBODY;
  }

  /** The bearer of a token that is known by its role only. */
  static Caller of(ApiRole role) {
    return new Caller(role, WireName.of(role));
  }

  boolean may(ApiRole needed) {
    return role != null && role.covers(needed);
  }

  @Override
  public Principal getUserPrincipal() {
    return () -> name;
  }

  @Override
  public boolean isUserInRole(String roleName) {
    return role != null && WireName.of(role).equals(roleName);
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

package io.tidemark.web;

/** What the bearer of a token may do; each role may do all that those before it may. */
enum ApiRole {
  /** Read. */
  VIEWER,
  /** Run things and change configurations. */
  OPERATOR,
  /** Delete configurations, and make, change and delete connections. */
  ADMIN;

  boolean covers(ApiRole needed) {
    return compareTo(needed) >= 0;
  }
}

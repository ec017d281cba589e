package io.tidemark.web;

import io.quarkus.test.junit.QuarkusTestProfile;
import java.util.List;
import java.util.Map;

/** An application that knows its callers: by a token for each role, and by an issuer's tokens. */
public final class CallersProfile implements QuarkusTestProfile {
  @Override
  public Map<String, String> getConfigOverrides() {
    return Map.of(
        "tidemark.api.tokens",
        "viewer:viewer-0123456789,operator:operator-0123456789,admin:admin-0123456789");
  }

  @Override
  public List<TestResourceEntry> testResources() {
    return List.of(new TestResourceEntry(JwtTest.Issuer.class));
  }
}

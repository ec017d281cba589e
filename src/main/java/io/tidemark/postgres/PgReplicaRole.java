package io.tidemark.postgres;

/**
 * The session role of replication: triggers and foreign keys of the target are not ours to fire.
 */
public final class PgReplicaRole {
  private static final String MAY =
      "select has_parameter_privilege('session_replication_role', 'set')";

  private PgReplicaRole() {}

  /**
   * Takes the role for the session if the user may. Foreign keys are the source's to keep: its
   * tables arrive each at its own pace, so a child may come before its parent.
   */
  public static void takeIfAllowed(PgSession session) {
    if (session.isTrue(MAY)) {
      session.execute("set session_replication_role = replica");
    }
  }
}

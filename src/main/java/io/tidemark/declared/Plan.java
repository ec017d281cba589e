package io.tidemark.declared;

import io.tidemark.declared.Change.Action;
import io.tidemark.orchestration.Orchestration;
import io.tidemark.postgres.PgDatabase;
import io.tidemark.sync.ConnectionDefinition;
import io.tidemark.sync.SyncDefinition;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Compares what a file declares with what is there. Pure; the changes come in an order in which
 * each finds what it needs: what is made before what uses it, and what goes after what used it.
 */
final class Plan {
  private final Declaration declaration;
  private final Present present;

  private Plan(Declaration declaration, Present present) {
    this.declaration = declaration;
    this.present = present;
  }

  static List<Change> of(Declaration declaration, Present present) {
    Plan plan = new Plan(declaration, present);
    List<Change> changes = new ArrayList<>();
    declaration.connections().forEach(one -> changes.add(plan.connection(one)));
    declaration.configurations().forEach(one -> changes.add(plan.configuration(one)));
    declaration.orchestrations().forEach(one -> changes.add(plan.orchestration(one)));
    present.owned().stream()
        .filter(one -> !declaration.names().contains(one))
        .filter(present::has)
        .sorted(Comparator.comparing(Declared::kind).reversed().thenComparing(Declared::name))
        .forEach(one -> changes.add(new Change(Action.DELETE, one)));
    return changes;
  }

  private Change connection(ConnectionDefinition declared) {
    PgDatabase now = present.connections().get(declared.name());
    List<String> details = new ArrayList<>();
    if (now != null) {
      // Without the values: a URL of the settings may carry a password.
      if (!now.url().equals(declared.url())) {
        details.add("url");
      }
      if (!Objects.equals(now.username(), declared.username())) {
        details.add("username");
      }
      if (!Objects.equals(now.password(), declared.password())) {
        details.add("password");
      }
    }
    return change(new Declared(Kind.CONNECTION, declared.name()), details);
  }

  private Change configuration(SyncDefinition declared) {
    return change(
        new Declared(Kind.CONFIGURATION, declared.name()),
        Optional.ofNullable(present.configurations().get(declared.name()))
            .map(now -> DifferenceJson.between(now.definition(), declared))
            .orElse(List.of()));
  }

  private Change orchestration(DeclaredOrchestration declared) {
    List<String> details = new ArrayList<>();
    Orchestration now = present.orchestrations().get(declared.name());
    if (now != null) {
      List<String> named =
          now.definition().configurations().stream()
              .map(id -> present.nameOf(id).orElse(id.toString()))
              .toList();
      if (!named.equals(declared.configurations())) {
        details.add("configurations: " + named + " to " + declared.configurations());
      }
      details.addAll(DifferenceJson.between(now.definition(), declared.definition()));
    }
    return change(new Declared(Kind.ORCHESTRATION, declared.name()), details);
  }

  private Change change(Declared subject, List<String> details) {
    if (!present.has(subject)) {
      return new Change(Action.CREATE, subject);
    }
    if (!details.isEmpty()) {
      return new Change(Action.CHANGE, subject, details);
    }
    return new Change(present.owned().contains(subject) ? Action.KEEP : Action.ADOPT, subject);
  }
}

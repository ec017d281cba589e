package io.tidemark;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.conditions.ArchConditions.onlyDependOnClassesThat;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The rooms' arrows and edges, as ARCHITECTURE.md draws them. */
@Tag("unit")
final class RoomsTest {
  private static final String ROOT = "io.tidemark.";

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.tidemark");

  /** Each room and the rooms that it may know; what is not listed is forbidden. */
  private static final Map<String, List<String>> ARROWS =
      Map.ofEntries(
          Map.entry("change", List.of()),
          Map.entry("postgres", List.of("change")),
          Map.entry("kafka", List.of("change")),
          Map.entry("conflict", List.of("change", "postgres")),
          Map.entry("sync", List.of("change", "conflict", "postgres")),
          Map.entry("capture", List.of("change", "sync", "postgres", "kafka")),
          Map.entry("apply", List.of("change", "conflict", "sync", "postgres", "kafka")),
          Map.entry("copy", List.of("change", "conflict", "sync", "postgres")),
          Map.entry(
              "run", List.of("sync", "capture", "apply", "copy", "conflict", "change", "postgres")),
          Map.entry("orchestration", List.of("run", "sync", "change", "postgres")),
          Map.entry("declared", List.of("orchestration", "run", "sync", "change", "postgres")),
          Map.entry(
              "web", List.of("declared", "run", "orchestration", "sync", "conflict", "change")),
          Map.entry("embedded", List.of()));

  @TestFactory
  Stream<DynamicTest> roomKnowsOnlyTheRoomsThatItsArrowsReach() {
    return ARROWS.entrySet().stream()
        .map(
            arrow ->
                DynamicTest.dynamicTest(
                    arrow.getKey(), () -> checkArrows(arrow.getKey(), arrow.getValue())));
  }

  private static void checkArrows(String room, List<String> reaches) {
    String[] allowed =
        Stream.concat(Stream.of(room), reaches.stream())
            .map(one -> ROOT + one)
            .toArray(String[]::new);
    DescribedPredicate<JavaClass> otherRoom =
        DescribedPredicate.and(
            resideInAnyPackage("io.tidemark.."),
            DescribedPredicate.not(resideInAnyPackage(allowed)));

    noClasses()
        .that()
        .resideInAPackage(ROOT + room)
        .should()
        .dependOnClassesThat(otherRoom)
        .allowEmptyShould(true)
        .check(CLASSES);
  }

  /** Debezium's own interfaces declare {@code SQLException}, so its classes may know JDBC. */
  @Test
  void jdbcStaysAtItsEdge() {
    stays(
        List.of("java.sql..", "javax.sql..", "org.postgresql..", "org.jdbi.."),
        List.of("Jdbc", "Pg", "Debezium"),
        "postgres",
        "embedded",
        "boot");
  }

  @Test
  void kafkaStaysAtItsEdge() {
    stays(
        List.of("org.apache.kafka.clients..", "org.apache.kafka.common..", "kafka.."),
        List.of("Kafka", "Debezium"),
        "kafka",
        "embedded",
        "boot");
  }

  @Test
  void debeziumStaysAtItsEdge() {
    stays(List.of("io.debezium..", "org.apache.kafka.connect.."), List.of("Debezium"));
  }

  @Test
  void frameworkStaysAtItsEdge() {
    stays(
        List.of("jakarta..", "io.quarkus..", "org.eclipse.microprofile..", "io.smallrye.."),
        List.of(),
        "web",
        "boot");
  }

  @Test
  void jacksonStaysInJsonClassesAndWeb() {
    classes()
        .that(areNot(List.of(), "web", "boot"))
        .and()
        .haveNameNotMatching(".*Json(\\$.*)?")
        .should(
            onlyDependOnClassesThat(
                DescribedPredicate.not(resideInAnyPackage("com.fasterxml.jackson.."))))
        .check(CLASSES);
  }

  private static void stays(List<String> technology, List<String> names, String... rooms) {
    classes()
        .that(areNot(names, rooms))
        .should(
            onlyDependOnClassesThat(
                DescribedPredicate.not(resideInAnyPackage(technology.toArray(String[]::new)))))
        .check(CLASSES);
  }

  /** Classes neither in one of the rooms nor (they or the class around them) so named. */
  private static DescribedPredicate<JavaClass> areNot(List<String> prefixes, String... rooms) {
    return DescribedPredicate.describe(
        "are not in " + Arrays.toString(rooms) + " nor named " + prefixes,
        type -> {
          String inRoom = type.getName().substring(type.getPackageName().length() + 1);
          return prefixes.stream().noneMatch(inRoom::startsWith)
              && Arrays.stream(rooms).noneMatch(room -> type.getPackageName().equals(ROOT + room));
        });
  }
}

package io.tidemark;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.quarkus.test.junit.QuarkusTest;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** The lanes in which tests run, and what keeps them independent of the machine's speed. */
@Tag("unit")
final class LanesTest {
  private static final Set<String> LANES = Set.of("unit", "database", "engine", "web", "process");

  /** A class that needs one of these needs a server or another process. */
  private static final Set<String> SERVERS =
      Set.of("TestStack", "ForkedStack", "EmbeddedStack", "TidemarkProcess", "CaptureProcess");

  /**
   * Where a pause chooses the moment of a kill or a deletion, paces a load, or is the length of an
   * outage.
   */
  private static final Set<String> PAUSING =
      Set.of(
          "Accounts",
          "Await",
          "CaptureKillTest",
          "CaptureMain",
          "CaptureMeasureTest",
          "CaptureTest",
          "CaptureWorkload",
          "DeletionTest",
          "KafkaChangeWriterTest",
          "SchemaDriftIT",
          "SyncFileIT",
          "Told",
          "TpcbLoad",
          "TwoWayMergeTest",
          "VerifyTest");

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.ONLY_INCLUDE_TESTS)
          // The benchmark is no test, and only there if its profile was built.
          .withImportOption(location -> !location.contains("/bench/"))
          .importPackages("io.tidemark");

  private static List<JavaClass> tests() {
    return CLASSES.stream()
        .filter(one -> one.getSimpleName().matches("\\w+(Test|IT)") && !one.isNestedClass())
        .toList();
  }

  private static Set<String> lanesOf(JavaClass test) {
    return Arrays.stream(test.reflect().getAnnotationsByType(Tag.class))
        .map(Tag::value)
        .filter(LANES::contains)
        .collect(Collectors.toSet());
  }

  @Test
  void eachTestClassIsInOneLane() {
    assertThat(tests()).hasSizeGreaterThan(100).allMatch(test -> lanesOf(test).size() == 1);
  }

  @Test
  void thoseThatRunTheProgramAreInTheLaneOfProcesses() {
    assertThat(tests())
        .allMatch(test -> test.getSimpleName().endsWith("IT") == lanesOf(test).contains("process"));
  }

  /** Quarkus' tests cannot run at the same time as one another; the other lanes' tests can. */
  @Test
  void thoseOfQuarkusAreInTheLaneOfTheWebAndRunOneAfterAnother() {
    assertThat(tests())
        .allMatch(test -> test.isAnnotatedWith(QuarkusTest.class) == lanesOf(test).contains("web"))
        .allMatch(
            test ->
                test.isAnnotatedWith(QuarkusTest.class)
                    == (test.isAnnotatedWith(Execution.class)
                        && test.getAnnotationOfType(Execution.class).value()
                            == ExecutionMode.SAME_THREAD));
  }

  @Test
  void unitsNeedNoServer() {
    noClasses()
        .that(
            DescribedPredicate.describe(
                "are in the lane unit",
                test -> tests().contains(test) && lanesOf(test).contains("unit")))
        .should()
        .transitivelyDependOnClassesThat(
            DescribedPredicate.describe(
                "start servers", one -> SERVERS.contains(one.getSimpleName())))
        .check(CLASSES);
  }

  /** The common pool has few threads, which tests that run at the same time would share. */
  @Test
  void backgroundTasksHaveThreadsOfTheirOwn() {
    noClasses()
        .should()
        .callMethod(CompletableFuture.class, "runAsync", Runnable.class)
        .orShould()
        .callMethod(CompletableFuture.class, "supplyAsync", Supplier.class)
        .check(CLASSES);
  }

  /** One place decides how long a test waits. */
  @Test
  void onlyAwaitLimitsTheTimeOfAWait() {
    noClasses()
        .that(
            DescribedPredicate.not(
                nameMatching(".*\\.(Await|" + String.join("|", PAUSING) + ")(\\$.*)?")))
        .should()
        .callMethodWhere(
            DescribedPredicate.describe(
                "waits with a time limit",
                call ->
                    call.getTargetOwner().getPackageName().startsWith("java.util.concurrent")
                        && !call.getTargetOwner().isEquivalentTo(TimeUnit.class)
                        && call.getTarget().getRawParameterTypes().stream()
                            .anyMatch(type -> type.isEquivalentTo(TimeUnit.class))))
        .check(CLASSES);
  }

  /** A pause that hides a race passes on one machine and fails on another. */
  @Test
  void nobodyPausesToWaitForSomething() {
    noClasses()
        .that(
            DescribedPredicate.not(
                nameMatching(".*\\.(" + String.join("|", PAUSING) + ")(\\$.*)?")))
        .should()
        .callMethodWhere(target(name("sleep")))
        .orShould()
        .dependOnClassesThat(nameMatching(".*\\.(LockSupport|Awaitility)"))
        .check(CLASSES);
  }
}

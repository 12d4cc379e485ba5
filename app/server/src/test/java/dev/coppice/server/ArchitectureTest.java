package dev.coppice.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The rules of the house, over the classes of every module. */
final class ArchitectureTest {
    private static final List<String> MODULES = List.of(
            "kernel",
            "serving",
            "store",
            "expression",
            "schema",
            "probe",
            "control",
            "operator",
            "health",
            "coordination",
            "gateway",
            "console",
            "server");
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.coppice");
    /** Generated from protocol definitions. */
    private static final String[] GENERATED = {
        "dev.coppice.store.api..", "dev.coppice.store.log..", "dev.coppice.store.wire.."
    };

    /** A rule over no classes holds; this test makes sure that each of them sees every module. */
    @TestFactory
    Stream<DynamicTest> everyModuleIsSeen() {
        return MODULES.stream()
                .map(module -> DynamicTest.dynamicTest(
                        module,
                        () -> assertThat(CLASSES.stream()
                                        .filter(type ->
                                                (type.getPackageName() + ".").startsWith("dev.coppice." + module + "."))
                                        .count())
                                .isGreaterThan(3)));
    }

    @Test
    void dependenciesPointDown() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("kernel")
                .definedBy("dev.coppice.kernel..")
                .layer("serving")
                .definedBy("dev.coppice.serving..")
                .layer("expression")
                .definedBy("dev.coppice.expression..")
                .layer("schema")
                .definedBy("dev.coppice.schema..")
                .layer("distribution")
                .definedBy("dev.coppice.distribution..")
                .layer("store")
                .definedBy("dev.coppice.store..")
                .layer("probe")
                .definedBy("dev.coppice.probe..")
                .layer("control")
                .definedBy("dev.coppice.control..")
                .layer("operator")
                .definedBy("dev.coppice.operator..")
                .layer("areas")
                .definedBy("dev.coppice.health..", "dev.coppice.coordination..", "dev.coppice.gateway..")
                .layer("console")
                .definedBy("dev.coppice.console..")
                .layer("server")
                .definedBy("dev.coppice.server..")
                .whereLayer("kernel")
                .mayNotAccessAnyLayer()
                .whereLayer("serving")
                .mayOnlyAccessLayers("kernel")
                .whereLayer("expression")
                .mayOnlyAccessLayers("kernel")
                .whereLayer("schema")
                .mayOnlyAccessLayers("kernel", "expression")
                .whereLayer("distribution")
                .mayOnlyAccessLayers("kernel", "serving")
                .whereLayer("store")
                .mayOnlyAccessLayers("kernel", "serving", "distribution")
                .whereLayer("probe")
                .mayOnlyAccessLayers("kernel", "expression")
                .whereLayer("control")
                .mayOnlyAccessLayers("kernel", "serving", "distribution", "expression", "schema", "store")
                .whereLayer("operator")
                .mayOnlyAccessLayers("kernel", "serving", "control")
                .whereLayer("areas")
                .mayOnlyAccessLayers(
                        "kernel", "serving", "distribution", "expression", "schema", "store", "probe", "control")
                .whereLayer("console")
                .mayOnlyAccessLayers("kernel", "serving", "distribution", "schema", "control")
                .check(CLASSES);
    }

    @Test
    void areasNeverImportEachOther() {
        List<String> areas = List.of("health", "coordination", "gateway");
        for (String area : areas) {
            check(noClasses()
                    .that()
                    .resideInAPackage("dev.coppice." + area + "..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(areas.stream()
                            .filter(other -> !other.equals(area))
                            .map(other -> "dev.coppice." + other + "..")
                            .toArray(String[]::new)));
        }
    }

    @Test
    void onlyServingKnowsTheServerLibraries() {
        check(noClasses()
                .that()
                .resideOutsideOfPackages(
                        "dev.coppice.serving..", "dev.coppice.gateway.proxy..", "dev.coppice.gateway.http1..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.netty..", "io.grpc.netty.."));
    }

    @Test
    void onlyOperatorKnowsTheKubernetesClient() {
        check(noClasses()
                .that()
                .resideOutsideOfPackages("dev.coppice.operator..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.fabric8.."));
    }

    @Test
    void timeComesFromTheKernel() {
        calls(
                "read the machine's clock",
                call(java.lang.System.class, "currentTimeMillis|nanoTime")
                        .or(call(java.time.Instant.class, "now"))
                        .or(call(java.time.LocalDate.class, "now"))
                        .or(call(java.time.LocalDateTime.class, "now"))
                        .or(call(java.time.ZonedDateTime.class, "now"))
                        .or(call(java.time.OffsetDateTime.class, "now"))
                        .or(call(java.time.Clock.class, "system.*"))
                        .or(call(Thread.class, "sleep")));
    }

    @Test
    void randomnessComesFromTheKernel() {
        calls(
                "make randomness of its own",
                call(Math.class, "random")
                        .or(call(java.util.UUID.class, "randomUUID"))
                        .or(call(java.util.concurrent.ThreadLocalRandom.class, ".*"))
                        .or(call(java.util.Random.class, "<init>"))
                        .or(call(java.security.SecureRandom.class, "<init>|getInstance.*")));
    }

    @Test
    void threadsComeFromTheKernel() {
        calls(
                "start threads of its own",
                call(Thread.class, "start|ofVirtual|ofPlatform|startVirtualThread|<init>")
                        .or(call(java.util.concurrent.Executors.class, "new.*"))
                        .or(onCommonPool())
                        .or(call(java.util.Timer.class, "<init>")));
    }

    @Test
    void everyPackageIsNullMarked() {
        List<String> unmarked = CLASSES.stream()
                .filter(type -> !type.getPackageName().matches("dev\\.coppice\\.store\\.(api|log|wire)"))
                .filter(type -> type.isTopLevelClass())
                .map(JavaClass::getPackage)
                .distinct()
                .filter(each -> !each.isAnnotatedWith(NullMarked.class))
                .map(each -> each.getName())
                .filter(each -> !each.contains("jte"))
                .toList();
        assertThat(unmarked).isEmpty();
    }

    @Test
    void namesSayWhatThingsAre() {
        check(noClasses()
                .that()
                .resideOutsideOfPackages(GENERATED)
                .should()
                .haveSimpleNameEndingWith("Impl")
                .orShould()
                .haveNameMatching(".*(\\.|[a-z])(Util|Utils|Helper|Helpers|Common)(\\$.*)?")
                .orShould()
                .resideInAnyPackage("..util..", "..common..", "..helper..", "..impl.."));
    }

    /** Without an executor, which would be somebody's. */
    private static DescribedPredicate<JavaAccess<?>> onCommonPool() {
        return DescribedPredicate.describe(
                "CompletableFuture on the common pool",
                access -> call(java.util.concurrent.CompletableFuture.class, "(run|supply)Async")
                                .test(access)
                        && access.getTarget() instanceof AccessTarget.CodeUnitAccessTarget target
                        && target.getRawParameterTypes().size() == 1);
    }

    private static DescribedPredicate<JavaAccess<?>> call(Class<?> owner, String method) {
        return DescribedPredicate.describe(
                owner.getSimpleName() + "." + method,
                access -> access.getTargetOwner().getName().equals(owner.getName())
                        && access.getTarget().getName().matches(method));
    }

    private static void calls(String what, DescribedPredicate<JavaAccess<?>> predicate) {
        check(noClasses()
                .that()
                .resideOutsideOfPackages("dev.coppice.kernel..", GENERATED[0], GENERATED[1])
                .should()
                .accessTargetWhere(predicate)
                .as("only kernel may " + what));
    }

    private static void check(ArchRule... rules) {
        Arrays.stream(rules).forEach(rule -> rule.check(CLASSES));
    }
}

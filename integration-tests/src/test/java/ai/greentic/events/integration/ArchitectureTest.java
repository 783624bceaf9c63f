package ai.greentic.events.integration;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The borders inside the house, as rules. Each rule runs on the product, where it must hold, and on classes that break it on purpose
 * ({@code planted}), where it must fail: a rule that cannot fail says nothing.
 */
class ArchitectureTest {
    private static final String ROOT = "ai.greentic.events";
    private static final JavaClasses PRODUCT = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages(ROOT);
    private static final JavaClasses PLANTED = new ClassFileImporter().importPackages("planted");

    /** Rules by name, each for classes below a root package. */
    private static Map<String, ArchRule> rules(String root) {
        String spi = root + ".spi..";
        String bus = root + ".bus..";
        String[] features = {
            root + ".delivery..",
            root + ".access..",
            root + ".routing..",
            root + ".codec..",
            root + ".bridge..",
            root + ".telemetry..",
            root + ".memory..",
            root + ".json.."
        };
        Map<String, ArchRule> rules = new LinkedHashMap<>();
        rules.put(
                "vocabulary is a leaf",
                noClasses()
                        .that()
                        .resideInAPackage(root)
                        .should()
                        .dependOnClassesThat(resideInAnyPackage(root + ".*..").and(not(resideInAnyPackage(root)))));
        rules.put(
                "the SPI sees the vocabulary only",
                noClasses()
                        .that()
                        .resideInAPackage(spi)
                        .should()
                        .dependOnClassesThat(below(root).and(not(resideInAnyPackage(root, spi)))));
        rules.put(
                "feature packages do not see each other or the engine",
                classes().that().resideInAnyPackage(features).should(seeOnlyThemselves(root, root, root + ".spi")));
        rules.put(
                "access, routing, delivery, codec, bridge and telemetry see the vocabulary only",
                classes()
                        .that()
                        .resideInAnyPackage(
                                root + ".access..",
                                root + ".routing..",
                                root + ".delivery..",
                                root + ".codec..",
                                root + ".bridge..",
                                root + ".telemetry..")
                        .should(seeOnlyThemselves(root, root)));
        rules.put(
                "nothing below the engine sees the engine",
                noClasses()
                        .that()
                        .resideInAnyPackage(Stream.concat(Stream.of(root, spi), Stream.of(features))
                                .toArray(String[]::new))
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage(bus));
        rules.put(
                "providers see vocabulary and SPI only",
                classes()
                        .that()
                        .areAssignableTo(named(root + ".spi.EventProvider"))
                        .and(not(resideInAnyPackage(spi, root + ".testing..")))
                        .should(seeOnlyThemselves(root, root, root + ".spi")));
        rules.put(
                "no package cycles", slices().matching(root + ".(*)..").should().beFreeOfCycles());
        rules.put(
                "public types outside the SPI are closed",
                classes().that().arePublic().and(not(resideInAnyPackage(spi))).should(beClosed()));
        rules.put(
                "the SPI takes no bare topic or tenant and no callback",
                methods()
                        .that()
                        .areDeclaredInClassesThat(
                                resideInAnyPackage(spi).and(implementable()).and(not(named("Tasks"))))
                        .should(takeOnlyTypedAddresses()));
        rules.put(
                "time, chance, threads and waits come from the seam",
                classes()
                        .that(below(root))
                        .and(not(resideInAnyPackage(
                                root + ".cli..",
                                root + ".testing..",
                                root + ".benchmarks..",
                                root + ".examples..",
                                // Their business is the disk, registries and other processes, which no seam can play.
                                root + ".embedded..",
                                root + ".oci..",
                                root + ".runner..",
                                root + ".harness..")))
                        .and(not(seam(root)))
                        .should(notReachAroundTheSeam()));
        rules.put(
                "every package is null-marked",
                classes().that(below(root)).and(not(namedPackageInfo())).should(liveInNullMarkedPackage()));
        rules.put(
                "Jackson's object mapper is used by the binding only",
                noClasses()
                        .that(below(root).and(not(resideInAnyPackage(root + ".json.."))))
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage("tools.jackson.databind..", "com.fasterxml.jackson.."));
        rules.put(
                "YAML is read by packs only",
                noClasses()
                        .that(below(root).and(not(resideInAnyPackage(root + ".pack.."))))
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage("org.snakeyaml.."));
        rules.put(
                "picocli is used by the command line only",
                noClasses()
                        .that(below(root).and(not(resideInAnyPackage(root + ".cli.."))))
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage("picocli.."));
        rules.put(
                "OpenTelemetry is used by the telemetry only, handed in by the builder, and set up by applications",
                noClasses()
                        .that(below(root)
                                .and(not(resideInAnyPackage(root + ".telemetry..", root + ".cli..")))
                                .and(not(named("EventBusBuilder").or(named("BusAssembly")))))
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage("io.opentelemetry.."));
        return rules;
    }

    @TestFactory
    Stream<DynamicTest> theProductKeepsTheRule() {
        return rules(ROOT).entrySet().stream()
                .map(rule -> DynamicTest.dynamicTest(
                        rule.getKey(), () -> rule.getValue().check(PRODUCT)));
    }

    @TestFactory
    Stream<DynamicTest> aPlantedViolationIsFound() {
        return rules("planted").entrySet().stream()
                .map(rule -> DynamicTest.dynamicTest(
                        rule.getKey(),
                        () -> assertThatThrownBy(() ->
                                        rule.getValue().allowEmptyShould(false).check(PLANTED))
                                .isInstanceOf(AssertionError.class)
                                .hasMessageContaining("planted.")));
    }

    @Test
    void theRulesLookAtTheWholeProduct() {
        assertThat(PRODUCT.stream()
                        .filter(c -> c.getPackageName().startsWith(ROOT))
                        .count())
                .isGreaterThan(150);
        assertThat(PRODUCT.stream()
                        .map(JavaClass::getPackageName)
                        .filter(p -> p.startsWith(ROOT))
                        .distinct())
                .contains(
                        ROOT,
                        ROOT + ".spi",
                        ROOT + ".bus",
                        ROOT + ".memory",
                        ROOT + ".pack",
                        ROOT + ".config",
                        ROOT + ".cli");
    }

    private static DescribedPredicate<JavaClass> not(DescribedPredicate<? super JavaClass> predicate) {
        return DescribedPredicate.<JavaClass>describe(
                "not " + predicate.getDescription(), javaClass -> !predicate.test(javaClass));
    }

    private static DescribedPredicate<JavaClass> below(String root) {
        return DescribedPredicate.describe(
                "below " + root,
                c -> c.getPackageName().equals(root) || c.getPackageName().startsWith(root + "."));
    }

    private static DescribedPredicate<JavaClass> named(String name) {
        return DescribedPredicate.describe(
                "named " + name,
                c -> c.getName().equals(name) || c.getSimpleName().equals(name));
    }

    private static DescribedPredicate<JavaClass> namedPackageInfo() {
        return DescribedPredicate.describe(
                "package-info", c -> c.getSimpleName().equals("package-info"));
    }

    private static DescribedPredicate<JavaClass> seam(String root) {
        return DescribedPredicate.describe(
                "the seam",
                c -> c.getName().startsWith(root + ".spi.ThreadTasks")
                        || c.getName().startsWith(root + ".spi.SystemTime"));
    }

    private static DescribedPredicate<JavaClass> implementable() {
        return DescribedPredicate.describe(
                "implemented by outsiders",
                c -> c.isInterface()
                        && Set.of("EventProvider", "ProviderSubscription", "DeadLetterStore")
                                .contains(c.getSimpleName()));
    }

    /** Dependencies below the root go to the class's own package or to the given ones. */
    private static ArchCondition<JavaClass> seeOnlyThemselves(String root, String... packages) {
        return new ArchCondition<>("see only their own package and " + List.of(packages)) {
            @Override
            public void check(JavaClass origin, ConditionEvents events) {
                origin.getDirectDependenciesFromSelf().forEach(dependency -> {
                    String target = dependency.getTargetClass().getPackageName();
                    boolean inside = target.equals(root) || target.startsWith(root + ".");
                    boolean allowed = target.equals(origin.getPackageName())
                            || List.of(packages).contains(target);
                    if (inside && !allowed) {
                        events.add(SimpleConditionEvent.violated(origin, dependency.getDescription()));
                    }
                });
            }
        };
    }

    private static ArchCondition<JavaClass> beClosed() {
        return new ArchCondition<>(
                "be final, sealed, a record, an enum, abstract for a purpose, or a functional interface") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                Class<?> reflected = type.reflect();
                long abstractMethods = Stream.of(reflected.getMethods())
                        .filter(m -> java.lang.reflect.Modifier.isAbstract(m.getModifiers()))
                        .count();
                boolean closed = type.getModifiers().contains(JavaModifier.FINAL)
                        || reflected.isSealed()
                        || reflected.isRecord()
                        || reflected.isEnum()
                        || reflected.isInterface()
                                && (abstractMethods == 1 || type.getSimpleName().equals("PayloadMapper"))
                        || reflected.isMemberClass()
                                && !java.lang.reflect.Modifier.isPublic(
                                        reflected.getDeclaringClass().getModifiers())
                        || type.getSimpleName().equals("TypeRef");
                if (!closed) {
                    events.add(SimpleConditionEvent.violated(type, type.getName() + " is open to extension"));
                }
            }
        };
    }

    private static ArchCondition<com.tngtech.archunit.core.domain.JavaMethod> takeOnlyTypedAddresses() {
        return new ArchCondition<>("take neither String nor functional parameters") {
            @Override
            public void check(com.tngtech.archunit.core.domain.JavaMethod method, ConditionEvents events) {
                method.getRawParameterTypes().forEach(type -> {
                    boolean callback = type.getName().startsWith("java.util.function.")
                            || type.getName().equals("java.lang.Runnable");
                    if (type.getName().equals("java.lang.String") || callback) {
                        events.add(SimpleConditionEvent.violated(
                                method, method.getFullName() + " takes " + type.getName()));
                    }
                });
            }
        };
    }

    private static ArchCondition<JavaClass> notReachAroundTheSeam() {
        Map<String, Set<String>> banned = Map.of(
                "java.lang.System", Set.of("nanoTime", "currentTimeMillis"),
                "java.time.Instant", Set.of("now"),
                "java.time.Clock", Set.of("systemUTC", "systemDefaultZone"),
                "java.lang.Thread", Set.of("sleep", "start", "onSpinWait"),
                "java.lang.Math", Set.of("random"),
                "java.util.UUID", Set.of("randomUUID"),
                "java.util.concurrent.CompletableFuture",
                        Set.of("get", "join", "orTimeout", "completeOnTimeout", "supplyAsync", "runAsync"));
        Set<String> bannedTypes = Set.of(
                "java.util.concurrent.locks.LockSupport",
                "java.util.concurrent.locks.Condition",
                "java.util.concurrent.BlockingQueue",
                "java.util.concurrent.LinkedBlockingQueue",
                "java.util.concurrent.ArrayBlockingQueue",
                "java.util.concurrent.Executors",
                "java.util.concurrent.ThreadLocalRandom",
                "java.util.concurrent.Semaphore",
                "java.util.concurrent.CountDownLatch",
                "java.util.Random",
                "java.util.Timer");
        return new ArchCondition<>("not reach around the seam") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                for (JavaMethodCall call : type.getMethodCallsFromSelf()) {
                    String owner = call.getTargetOwner().getName();
                    boolean bad = banned.getOrDefault(owner, Set.of())
                                    .contains(call.getTarget().getName())
                            || owner.equals("java.lang.Object")
                                    && call.getTarget().getName().equals("wait");
                    if (bad) {
                        events.add(SimpleConditionEvent.violated(type, call.getDescription()));
                    }
                }
                type.getDirectDependenciesFromSelf().stream()
                        .filter(dependency ->
                                bannedTypes.contains(dependency.getTargetClass().getName()))
                        .forEach(dependency ->
                                events.add(SimpleConditionEvent.violated(type, dependency.getDescription())));
            }
        };
    }

    private static ArchCondition<JavaClass> liveInNullMarkedPackage() {
        return new ArchCondition<>("live in a null-marked package") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                boolean marked = type.getPackage()
                        .tryGetPackageInfo()
                        .filter(info -> info.isAnnotatedWith("org.jspecify.annotations.NullMarked"))
                        .isPresent();
                if (!marked) {
                    events.add(SimpleConditionEvent.violated(
                            type, type.getName() + " is in a package without @NullMarked"));
                }
            }
        };
    }
}

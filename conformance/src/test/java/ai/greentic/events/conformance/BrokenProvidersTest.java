package ai.greentic.events.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectNestedMethod;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * The kit is tested: each broken provider must be caught by the tests that own the promise which it breaks, and a sound one by none.
 * {@code -Dconformance.table=true} runs the whole kit on each of them and prints who else caught it.
 */
class BrokenProvidersTest {
    private static final boolean TABLE = Boolean.getBoolean("conformance.table");

    @TestFactory
    Stream<DynamicTest> eachDefectIsCaughtByTheTestsThatOwnItsPromise() {
        return Arrays.stream(Defect.values())
                .map(defect -> DynamicTest.dynamicTest(defect.name(), () -> {
                    Set<String> caught = failures(defect);
                    System.out.println("| " + defect + " | " + String.join(", ", caught) + " |");
                    assertThat(caught).containsAll(defect.owners());
                }));
    }

    /** Names of the tests that fail on a broken provider, as {@code Group.method}. */
    private static Set<String> failures(Defect defect) {
        BrokenProviderKit.defect = defect;
        System.setProperty("conformance.patience", "1500");
        Set<String> failed = Collections.synchronizedSet(new TreeSet<>());
        List<String> ran = Collections.synchronizedList(new ArrayList<>());
        try {
            LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
                    .selectors(TABLE ? List.of(selectClass(BrokenProviderKit.class)) : owners(defect))
                    .build();
            LauncherFactory.create().execute(request, new TestExecutionListener() {
                @Override
                public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                    if (test.isTest() && test.getSource().orElse(null) instanceof MethodSource method) {
                        String name = method.getJavaClass().getSimpleName() + "." + method.getMethodName();
                        ran.add(name);
                        if (result.getStatus() != TestExecutionResult.Status.SUCCESSFUL) {
                            failed.add(name);
                        }
                    }
                }
            });
        } finally {
            System.clearProperty("conformance.patience");
        }
        assertThat(ran).as("tests that ran").containsAll(defect.owners());
        return failed;
    }

    private static List<DiscoverySelector> owners(Defect defect) {
        return defect.owners().stream()
                .<DiscoverySelector>map(owner -> {
                    String[] parts = owner.split("\\.", 2);
                    Class<?> group = Arrays.stream(ProviderConformance.class.getDeclaredClasses())
                            .filter(type -> type.getSimpleName().equals(parts[0]))
                            .findFirst()
                            .orElseThrow();
                    return selectNestedMethod(List.of(BrokenProviderKit.class), group, parts[1]);
                })
                .toList();
    }
}

package ai.greentic.events.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.util.Arrays;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** The kits of the stores are tested: each broken store must be caught by the tests that own the promise which it breaks. */
class BrokenStoresTest {
    @TestFactory
    Stream<DynamicTest> eachDefectIsCaughtByTheTestsThatOwnItsPromise() {
        return Arrays.stream(BrokenStores.Defect.values())
                .map(defect -> DynamicTest.dynamicTest(defect.name(), () -> {
                    Set<String> caught = failures(defect);
                    System.out.println("| " + defect + " | " + String.join(", ", caught) + " |");
                    assertThat(caught).containsAll(defect.owners());
                }));
    }

    private static Set<String> failures(BrokenStores.Defect defect) {
        BrokenStoreKit.defect = defect;
        Set<String> failed = Collections.synchronizedSet(new TreeSet<>());
        LauncherFactory.create()
                .execute(
                        LauncherDiscoveryRequestBuilder.request()
                                .selectors(selectClass(BrokenStoreKit.class))
                                .build(),
                        new TestExecutionListener() {
                            @Override
                            public void executionFinished(TestIdentifier test, TestExecutionResult result) {
                                if (test.isTest()
                                        && result.getStatus() != TestExecutionResult.Status.SUCCESSFUL
                                        && test.getSource().orElse(null) instanceof MethodSource method) {
                                    failed.add(method.getMethodName());
                                }
                            }
                        });
        return failed;
    }
}

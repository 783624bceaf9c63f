package ai.greentic.events.conformance;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.TestWatcher;

/** Writes down what every test of a provider's kit came to, with its account. */
final class Reporter implements AfterTestExecutionCallback, AfterAllCallback, TestWatcher {
    private static final Namespace OWN = Namespace.create(Reporter.class);

    /** For JUnit. */
    Reporter() {}

    private static ProviderConformance kitOf(ExtensionContext context) {
        return (ProviderConformance)
                context.getRequiredTestInstances().getAllInstances().get(0);
    }

    @Override
    public void afterTestExecution(ExtensionContext context) {
        context.getStore(OWN)
                .put("account", kitOf(context).fabric().ledger.account().toString());
    }

    @Override
    public void testSuccessful(ExtensionContext context) {
        ended(context, true);
    }

    @Override
    public void testFailed(ExtensionContext context, @Nullable Throwable cause) {
        ended(context, false);
    }

    private static void ended(ExtensionContext context, boolean passed) {
        String account = context.getStore(OWN).getOrDefault("account", String.class, "");
        Report.of(kitOf(context).getClass())
                .ended(
                        context.getRequiredTestClass().getSimpleName() + "."
                                + context.getRequiredTestMethod().getName(),
                        passed,
                        account == null ? "" : account);
    }

    @Override
    public void afterAll(ExtensionContext context) {
        Class<?> type = context.getRequiredTestClass();
        if (ProviderConformance.class.isAssignableFrom(type)) {
            Report.of(type).write();
        }
    }
}

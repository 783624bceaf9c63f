package ai.greentic.events.runner;

import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.runner.InstallDiagnostic.Code;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Reads what installs refer to. Thread-safe as its sources are. */
public final class InstallResolver {
    private final Values config;
    private final Values secrets;

    /** Where references lead to. */
    @FunctionalInterface
    public interface Values {
        /**
         * Reads one value of a tenant; empty if there is none.
         *
         * @throws EventsException if it cannot be told now
         */
        Optional<Payload> read(TenantContext tenant, String reference) throws InterruptedException;
    }

    public InstallResolver(Values config, Values secrets) {
        this.config = Objects.requireNonNull(config);
        this.secrets = Objects.requireNonNull(secrets);
    }

    /**
     * Reads every value that an install refers to.
     *
     * @throws InstallException with all that are missing
     */
    public ResolvedInstall resolve(ProviderInstall install) throws InstallException, InterruptedException {
        List<InstallDiagnostic> missing = new ArrayList<>();
        Map<String, Payload> settings = new LinkedHashMap<>();
        Map<String, Payload> hidden = new LinkedHashMap<>();
        read(install, config, install.configRefs(), Code.MISSING_CONFIG, settings, missing);
        read(install, secrets, install.secretRefs(), Code.MISSING_SECRET, hidden, missing);
        if (!missing.isEmpty()) {
            throw new InstallException(missing);
        }
        return new ResolvedInstall(install, settings, hidden);
    }

    private static void read(
            ProviderInstall install,
            Values from,
            Map<String, String> references,
            Code code,
            Map<String, Payload> into,
            List<InstallDiagnostic> missing)
            throws InterruptedException {
        String what = code == Code.MISSING_CONFIG ? "setting " : "secret ";
        for (Map.Entry<String, String> one : new java.util.TreeMap<>(references).entrySet()) {
            String why;
            try {
                Optional<Payload> value = from.read(install.tenant(), one.getValue());
                if (value.isPresent()) {
                    into.put(one.getKey(), value.get());
                    continue;
                }
                why = " is not there";
            } catch (EventsException e) {
                why = " cannot be read: " + e.code();
            }
            missing.add(new InstallDiagnostic(
                    install.key(), code, install + ": " + what + one.getKey() + " at " + one.getValue() + why));
        }
    }
}

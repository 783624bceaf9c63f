package ai.greentic.events.runner;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.TenantScope;
import ai.greentic.events.runner.InstallDiagnostic.Code;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sources and sinks of the installs of a tenant or an environment, one instance for each install. What is wrong with one install keeps no
 * other from running, and is told. An event reaches a sink only if both are of one tenant. Thread-safe as the sinks are.
 */
public final class Installs implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Installs.class);

    private final Map<InstallKey, Sink> sinks;
    private final List<AutoCloseable> open;
    private final List<InstallDiagnostic> diagnostics;
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Takes events of one install. */
    @FunctionalInterface
    public interface Sink {
        /**
         * Sends an event out; returns when it is accepted.
         *
         * @throws EventsException if it is not
         */
        void emit(EventEnvelope event) throws InterruptedException;
    }

    /** Makes the sink of an install; one that is {@link AutoCloseable} is closed in the end. */
    @FunctionalInterface
    public interface SinkFactory {
        Sink open(ResolvedInstall install) throws Exception;
    }

    /** Starts the source of an install. */
    @FunctionalInterface
    public interface SourceFactory {
        /**
         * @return what stops it
         */
        AutoCloseable start(ResolvedInstall install) throws Exception;
    }

    private Installs(Map<InstallKey, Sink> sinks, List<AutoCloseable> open, List<InstallDiagnostic> diagnostics) {
        this.sinks = Map.copyOf(sinks);
        this.open = List.copyOf(open);
        this.diagnostics = List.copyOf(diagnostics);
    }

    /** Begins with nobody who could play a provider. */
    public static Builder builder(InstallStore store, InstallResolver resolver) {
        return new Builder(store, resolver);
    }

    /** Who plays which provider. */
    public static final class Builder {
        private final InstallStore store;
        private final InstallResolver resolver;
        private final Map<String, SinkFactory> sinks = new HashMap<>();
        private final Map<String, SourceFactory> sources = new HashMap<>();

        private Builder(InstallStore store, InstallResolver resolver) {
            this.store = store;
            this.resolver = resolver;
        }

        /** Plays the sink of a provider. */
        public Builder sink(String providerId, SinkFactory factory) {
            sinks.put(providerId, factory);
            return this;
        }

        /** Plays the source of a provider. */
        public Builder source(String providerId, SourceFactory factory) {
            sources.put(providerId, factory);
            return this;
        }

        /** Opens every install of the scope. */
        public Installs open(TenantScope scope) throws InterruptedException {
            Map<InstallKey, Sink> opened = new LinkedHashMap<>();
            List<AutoCloseable> open = new ArrayList<>();
            List<InstallDiagnostic> diagnostics = new ArrayList<>();
            try {
                for (ProviderInstall install : store.list(scope)) {
                    open(install, opened, open, diagnostics);
                }
            } catch (InterruptedException | RuntimeException e) {
                closeAll(open);
                throw e;
            }
            return new Installs(opened, open, diagnostics);
        }

        private void open(
                ProviderInstall install,
                Map<InstallKey, Sink> opened,
                List<AutoCloseable> open,
                List<InstallDiagnostic> diagnostics)
                throws InterruptedException {
            SinkFactory sink = sinks.get(install.providerId());
            SourceFactory source = sources.get(install.providerId());
            if (sink == null && source == null) {
                Set<String> known = new TreeSet<>(sinks.keySet());
                known.addAll(sources.keySet());
                diagnostics.add(new InstallDiagnostic(
                        install.key(),
                        Code.PROVIDER_NOT_FOUND,
                        install + ": nobody plays this provider; known are " + known));
                return;
            }
            ResolvedInstall resolved;
            try {
                resolved = resolver.resolve(install);
            } catch (InstallException e) {
                diagnostics.addAll(e.diagnostics());
                return;
            }
            try {
                if (sink != null) {
                    Sink made = sink.open(resolved);
                    opened.put(install.key(), made);
                    if (made instanceof AutoCloseable closeable) {
                        open.add(closeable);
                    }
                }
                if (source != null) {
                    open.add(source.start(resolved));
                }
            } catch (InterruptedException e) {
                throw e;
            } catch (Exception e) {
                // Its text is the provider's, and may repeat what it was given.
                diagnostics.add(new InstallDiagnostic(
                        install.key(),
                        Code.PROVIDER_INIT_FAILED,
                        install + ": " + e.getClass().getSimpleName() + ": "
                                + resolved.masked(String.valueOf(e.getMessage()))));
            }
        }
    }

    /** What is wrong with installs that do not run, or not wholly. */
    public List<InstallDiagnostic> diagnostics() {
        return diagnostics;
    }

    /** Installs with a sink. */
    public Set<InstallKey> sinks() {
        return sinks.keySet();
    }

    /**
     * Sends an event out by the sink of an install.
     *
     * @throws EventsException {@code TENANT_MISMATCH} if the event is of another tenant or environment than the install;
     *     {@code INVALID_ARGUMENT} if the install has no sink here; else what the sink says
     */
    public void emit(InstallKey install, EventEnvelope event) throws InterruptedException {
        if (!event.tenant().tenant().equals(install.tenant())) {
            throw new EventsException(
                    ErrorCode.TENANT_MISMATCH,
                    event + " is not for " + install + ", whose credentials are another tenant's");
        }
        Sink sink = sinks.get(install);
        if (sink == null) {
            throw new EventsException(ErrorCode.INVALID_ARGUMENT, install + " has no sink here");
        }
        sink.emit(event);
    }

    private static void closeAll(List<AutoCloseable> open) {
        for (int i = open.size() - 1; i >= 0; i--) {
            try {
                open.get(i).close();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } catch (Exception e) {
                LOG.warn(
                        "an install's source or sink did not end well: {}",
                        e.getClass().getSimpleName());
            }
        }
    }

    /** Stops sources and closes sinks, the last first; once. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            closeAll(open);
        }
    }
}

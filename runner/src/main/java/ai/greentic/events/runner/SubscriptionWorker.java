package ai.greentic.events.runner;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantScope;
import ai.greentic.events.codec.Timestamps;
import ai.greentic.events.delivery.RetryPolicy;
import ai.greentic.events.runner.InstallDiagnostic.Code;
import ai.greentic.events.spi.Signal;
import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings the subscriptions of installs up to date, several installs at a time. What a driver returns becomes the install's
 * {@code subscriptions_state}, unless somebody else changed that meanwhile; {@code metadata.subscriptions} says when that last went well and how
 * often it failed since. An install that fails several times in a row is degraded, and left alone for longer and longer. Thread-safe.
 */
public final class SubscriptionWorker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SubscriptionWorker.class);
    private static final int TRIES = 10;
    private static final String NOTES = "subscriptions";

    private final Builder options;
    private final TenantScope scope;
    private final Map<InstallKey, Long> notBefore = new ConcurrentHashMap<>();
    private final AtomicBoolean busy = new AtomicBoolean();
    private final AtomicBoolean started = new AtomicBoolean();
    private final Tasks tasks;
    private final boolean ownTasks;
    private final Signal stop;
    private volatile boolean closed;

    /** Speaks to a provider about the subscriptions of one install. */
    @FunctionalInterface
    public interface Driver {
        /**
         * Makes the provider's subscriptions what they should be.
         *
         * @param state what the last call returned; null the first time
         * @return what is to be remembered
         * @throws EventsException whose kind says whether another try may help; any other exception is taken for an outage
         */
        Payload sync(ResolvedInstall install, Payload state) throws Exception;
    }

    /** A worker to be. */
    public static final class Builder {
        private final InstallStore store;
        private final InstallResolver resolver;
        private final Map<String, Driver> drivers = new HashMap<>();
        private RetryPolicy retry = RetryPolicy.STANDARD;
        private Duration every = Duration.ofMinutes(5);
        private Duration longestPause = Duration.ofHours(1);
        private int degradedAfter = 3;
        private int parallel = 4;
        private Time time = Time.system();
        private @Nullable Tasks tasks;

        private Builder(InstallStore store, InstallResolver resolver) {
            this.store = store;
            this.resolver = resolver;
        }

        /** Selects the installs of a provider. */
        public Builder provider(String providerId, Driver driver) {
            drivers.put(providerId, driver);
            return this;
        }

        /** How often a driver is called before an install failed this time; default {@link RetryPolicy#STANDARD}. */
        public Builder retry(RetryPolicy policy) {
            retry = policy;
            return this;
        }

        /** Time between rounds of {@link SubscriptionWorker#start}, default 5 minutes; degraded installs wait twice, four times … as long. */
        public Builder every(Duration between) {
            every = positive(between, "every");
            return this;
        }

        /** How long a degraded install waits at most; default an hour. */
        public Builder longestPause(Duration most) {
            longestPause = positive(most, "longestPause");
            return this;
        }

        /** After so many failures in a row an install is degraded; default 3. */
        public Builder degradedAfter(int failures) {
            degradedAfter = positive(failures, "degradedAfter");
            return this;
        }

        /** So many installs at a time; default 4. */
        public Builder parallel(int installs) {
            parallel = positive(installs, "parallel");
            return this;
        }

        /** For tests. */
        public Builder seams(Time clocks, Tasks threads) {
            time = clocks;
            tasks = threads;
            return this;
        }

        private static Duration positive(Duration value, String name) {
            if (value.isNegative() || value.isZero()) {
                throw new IllegalArgumentException(name + " is " + value + "; it must be positive");
            }
            return value;
        }

        private static int positive(int value, String name) {
            if (value < 1) {
                throw new IllegalArgumentException(name + " is " + value + "; it must be at least 1");
            }
            return value;
        }

        /** A worker for the installs of a tenant, or of all tenants of an environment. */
        public SubscriptionWorker build(TenantScope scope) {
            return new SubscriptionWorker(this, scope);
        }
    }

    private SubscriptionWorker(Builder options, TenantScope scope) {
        this.options = options;
        this.scope = scope;
        Tasks given = options.tasks;
        this.ownTasks = given == null;
        this.tasks = given == null ? Tasks.threads("subscription-worker") : given;
        this.stop = tasks.signal();
    }

    public static Builder builder(InstallStore store, InstallResolver resolver) {
        return new Builder(store, resolver);
    }

    /** Begins rounds, one after the other with the time between them; once. What is wrong is logged. */
    public void start() {
        if (started.compareAndSet(false, true)) {
            tasks.start("subscription-worker", this::rounds);
        }
    }

    private void rounds() {
        try {
            while (!closed) {
                try {
                    sync().forEach(one -> LOG.warn("{}: {}", one.code().word(), one.message()));
                } catch (RuntimeException e) {
                    LOG.error("a round of subscriptions failed; the next one comes in {}", options.every, e);
                }
                var unused = !closed && stop.await(options.every);
            }
        } catch (InterruptedException e) {
            LOG.debug("interrupted, as it is when the worker closes");
        }
    }

    /**
     * One round: every install of the scope whose provider is selected and whose time has come. Blocks until all are done.
     *
     * @return what is wrong
     * @throws IllegalStateException if a round is under way
     */
    public List<InstallDiagnostic> sync() throws InterruptedException {
        if (!busy.compareAndSet(false, true)) {
            throw new IllegalStateException("a round is under way");
        }
        try {
            long now = options.time.nanos();
            List<ProviderInstall> all = options.store.list(scope);
            Set<InstallKey> known = all.stream().map(ProviderInstall::key).collect(Collectors.toSet());
            notBefore.keySet().retainAll(known);
            Queue<ProviderInstall> due = all.stream()
                    .filter(install -> options.drivers.containsKey(install.providerId()))
                    .filter(install -> now - notBefore.getOrDefault(install.key(), now) >= 0)
                    .collect(Collectors.toCollection(ConcurrentLinkedQueue::new));
            Queue<InstallDiagnostic> found = new ConcurrentLinkedQueue<>();
            int helpers = Math.min(options.parallel, due.size());
            AtomicInteger left = new AtomicInteger(helpers);
            Signal done = tasks.signal();
            for (int i = 0; i < helpers; i++) {
                tasks.start("subscriptions-" + i, () -> {
                    try {
                        for (ProviderInstall next = due.poll(); next != null && !closed; next = due.poll()) {
                            work(next, found);
                        }
                    } catch (InterruptedException e) {
                        LOG.debug("interrupted, as it is when the worker closes");
                    } finally {
                        left.decrementAndGet();
                        done.raise();
                    }
                });
            }
            while (left.get() > 0) {
                var unused = done.await(Duration.ofSeconds(1));
            }
            return List.copyOf(found);
        } finally {
            busy.set(false);
        }
    }

    private void work(ProviderInstall install, Queue<InstallDiagnostic> found) throws InterruptedException {
        try {
            ResolvedInstall resolved = options.resolver.resolve(install);
            note(install, retried(Objects.requireNonNull(options.drivers.get(install.providerId())), resolved), found);
        } catch (InstallException e) {
            found.addAll(e.diagnostics());
            noteQuietly(install, found);
        } catch (RuntimeException e) {
            // The store, or a defect; other installs go on.
            found.add(failed(install, e.getClass().getSimpleName() + ": " + e.getMessage()));
            noteQuietly(install, found);
        }
    }

    private static InstallDiagnostic failed(ProviderInstall install, String why) {
        return new InstallDiagnostic(install.key(), Code.SUBSCRIPTION_SYNC_FAILED, install + ": " + why);
    }

    private Payload retried(Driver driver, ResolvedInstall install) throws InstallException, InterruptedException {
        long began = options.time.nanos();
        for (int attempt = 1; ; attempt++) {
            EventsException failure;
            try {
                return Objects.requireNonNull(
                        driver.sync(install, install.install().subscriptionsState()));
            } catch (InterruptedException e) {
                throw e;
            } catch (EventsException e) {
                failure = e;
            } catch (Exception e) {
                failure = new EventsException(
                        ErrorCode.PROVIDER_UNAVAILABLE, e.getClass().getSimpleName() + ": " + e.getMessage(), e);
            }
            double chance = (options.time.randomBits() >>> 11) * 0x1p-53;
            RetryPolicy.Decision decision = options.retry.decide(
                    attempt,
                    Duration.ofNanos(options.time.nanos() - began),
                    Duration.ofDays(365),
                    failure,
                    false,
                    chance);
            if (closed || decision instanceof RetryPolicy.GiveUp) {
                throw new InstallException(List.of(failed(
                        install.install(),
                        install.masked(String.valueOf(failure.getMessage())) + " (" + failure.code() + ", attempt "
                                + attempt + ")")));
            }
            if (decision instanceof RetryPolicy.RetryAfter after) {
                var unused = tasks.signal().await(after.delay());
            }
        }
    }

    /** The failure itself has been told; that it cannot be noted is told too. */
    private void noteQuietly(ProviderInstall install, Queue<InstallDiagnostic> found) {
        try {
            note(install, null, found);
        } catch (RuntimeException e) {
            found.add(failed(install, "its failure cannot be noted: " + e.getMessage()));
            pause(install.key(), options.degradedAfter);
        }
    }

    /**
     * Notes how it went, on the record as it is now: what others changed in it meanwhile stays.
     *
     * @param state the new one; null if it failed
     */
    private void note(ProviderInstall install, @Nullable Payload state, Queue<InstallDiagnostic> found) {
        for (int i = 0; i < TRIES; i++) {
            Optional<ProviderInstall> current =
                    options.store.find(install.tenant(), install.providerId(), install.installId());
            if (current.isEmpty()) {
                return;
            }
            if (state != null && !current.get().subscriptionsState().equals(install.subscriptionsState())) {
                found.add(failed(
                        install, "somebody else changed its subscriptions_state at the same time; theirs stands"));
                return;
            }
            Optional<Map<String, Payload>> metadata = metadata(current.get());
            if (metadata.isEmpty()) {
                found.add(new InstallDiagnostic(
                        install.key(),
                        Code.MALFORMED_INSTALL,
                        install + ": its metadata is no object, so that nothing can be noted there"));
            }
            int failures = metadata.map(fields -> noted(fields, state != null))
                    .orElse(state == null ? options.degradedAfter : 0);
            ProviderInstall next = current.get()
                    .with(
                            state == null ? current.get().subscriptionsState() : state,
                            metadata.map(fields -> Payload.json(Fields.object(fields)))
                                    .orElse(current.get().metadata()),
                            options.time.now());
            if (options.store.replace(current.get(), next)) {
                pause(install.key(), failures);
                return;
            }
        }
        found.add(failed(install, "others changed its record each of " + TRIES + " times that this was to be noted"));
    }

    /** The fields of the metadata; empty if it is something else. */
    private static Optional<Map<String, Payload>> metadata(ProviderInstall install) {
        if (install.metadata().equals(Payload.NULL)) {
            return Optional.of(new LinkedHashMap<>());
        }
        return install.metadata().json().startsWith("{")
                ? Optional.of(Fields.of(install.metadata().toBytes(), "metadata"))
                : Optional.empty();
    }

    /** Notes success or failure in the metadata; returns how often it failed since it last went well. */
    private int noted(Map<String, Payload> metadata, boolean well) {
        Payload before = metadata.get(NOTES);
        Map<String, Payload> notes = before != null && before.json().startsWith("{")
                ? Fields.of(before.toBytes(), NOTES)
                : new LinkedHashMap<>();
        long failed = 0;
        Payload count = notes.get("failures");
        if (count != null && count.as(Object.class) instanceof Number number) {
            failed = Math.max(0, number.longValue());
        }
        int failures = well ? 0 : (int) Math.min(Integer.MAX_VALUE, failed + 1);
        if (well) {
            notes.put("last_sync", Payload.of(Timestamps.format(options.time.now())));
        } else {
            notes.putIfAbsent("last_sync", Payload.of("unknown"));
        }
        notes.put("failures", Payload.of(failures));
        notes.put("degraded", Payload.of(failures >= options.degradedAfter));
        metadata.put(NOTES, Payload.json(Fields.object(notes)));
        return failures;
    }

    private void pause(InstallKey install, int failures) {
        if (failures < options.degradedAfter) {
            notBefore.remove(install);
            return;
        }
        int doublings = Math.min(30, failures - options.degradedAfter + 1);
        Duration wait = options.every.multipliedBy(1L << doublings);
        if (wait.compareTo(options.longestPause) > 0) {
            wait = options.longestPause;
        }
        notBefore.put(install, options.time.nanos() + wait.toNanos());
    }

    /** Ends the rounds; what is under way is interrupted after five seconds, if the threads are the worker's own. */
    @Override
    public void close() {
        closed = true;
        stop.raise();
        if (ownTasks) {
            tasks.close();
        }
    }
}

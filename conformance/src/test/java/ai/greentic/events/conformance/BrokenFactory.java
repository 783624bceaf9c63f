package ai.greentic.events.conformance;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.memory.MemoryProviderFactory;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SettingsSchema;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The memory provider with one thing wrong. */
final class BrokenFactory implements ProviderFactory {
    private static final Logger LOG = LoggerFactory.getLogger(BrokenFactory.class);

    private final MemoryProviderFactory memory = new MemoryProviderFactory();
    private final Defect defect;

    BrokenFactory(Defect defect) {
        this.defect = defect;
    }

    @Override
    public String transport() {
        return "broken";
    }

    @Override
    public SettingsSchema settings() {
        return memory.settings();
    }

    @Override
    public Set<Capability> capabilities(ProviderSettings settings) {
        Set<Capability> declared = EnumSet.copyOf(memory.capabilities(settings));
        if (defect == Defect.DECLARES_TOO_MUCH) {
            declared.add(Capability.DEDUPLICATION);
        }
        return declared;
    }

    @Override
    public EventProvider create(ProviderSettings settings, ProviderContext context) {
        return new Broken(memory.create(settings, context));
    }

    private record Changed(OutboundEvent inner, EventEnvelope event) implements OutboundEvent {
        @Override
        public byte[] encoded() {
            return ai.greentic.events.codec.EnvelopeCodec.STANDARD.encode(event);
        }

        @Override
        public @Nullable String orderingKey() {
            return inner.orderingKey();
        }
    }

    private final class Broken implements EventProvider {
        private final EventProvider inner;
        private final AtomicLong published = new AtomicLong();
        private final Map<String, TopicPattern> patterns = new HashMap<>();

        Broken(EventProvider inner) {
            this.inner = inner;
        }

        @Override
        public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) throws InterruptedException {
            List<CompletionStage<PublishOutcome>> outcomes = new ArrayList<>();
            for (OutboundEvent event : batch) {
                long number = published.incrementAndGet();
                if (defect == Defect.REPORTS_SUCCESS_ON_FAILURE && number % 50 == 0) {
                    outcomes.add(CompletableFuture.completedFuture(PublishOutcome.accepted()));
                    continue;
                }
                if (defect == Defect.LOGS_PAYLOADS) {
                    LOG.info("published {}", event.event().payload().json());
                }
                CompletionStage<PublishOutcome> outcome =
                        inner.publish(List.of(changed(event))).get(0);
                outcomes.add(
                        defect == Defect.SWALLOWS_A_FULL_PROVIDER
                                ? outcome.thenApply(any -> any.isAccepted() ? any : PublishOutcome.accepted())
                                : outcome);
            }
            return outcomes;
        }

        private OutboundEvent changed(OutboundEvent outbound) {
            EventEnvelope event = outbound.event();
            return switch (defect) {
                case ROUNDS_NUMBERS ->
                    new Changed(
                            outbound,
                            event.toBuilder()
                                    .payload(Payload.json(event.payload().json().replace("1.10", "1.1")))
                                    .build());
                case DROPS_METADATA -> {
                    EventEnvelope.Builder bare = EventEnvelope.builder(event.tenant(), event.topic())
                            .id(event.id())
                            .type(event.type())
                            .source(event.source())
                            .time(event.time())
                            .payload(event.payload());
                    event.subject().ifPresent(bare::subject);
                    event.correlationId().ifPresent(bare::correlationId);
                    event.orderingKey().ifPresent(bare::orderingKey);
                    yield new Changed(outbound, bare.build());
                }
                case DELIVERS_BEFORE_ITS_TIME ->
                    new Changed(outbound, event.withMarks(event.marks().deliverAt(null)));
                default -> outbound;
            };
        }

        @Override
        public ProviderSubscription subscribe(SubscribeRequest request) {
            return switch (defect) {
                case SHARES_POSITIONS_BETWEEN_TENANTS -> new BrokenSubscription(inner.subscribe(widened(request)));
                case SHARES_POSITIONS_BETWEEN_GROUPS ->
                    new BrokenSubscription(inner.subscribe(new SubscribeRequest(
                            request.filters(),
                            request.group() == null
                                    ? null
                                    : "one for "
                                            + request.filters()
                                                    .get(0)
                                                    .pattern()
                                                    .value()
                                                    .hashCode(),
                            request.start(),
                            request.ready())));
                case IGNORES_THE_START -> new BrokenSubscription(inner.subscribe(starting(request, StartAt.NEW)));
                case TAKES_ANY_POSITION -> new BrokenSubscription(lenient(request));
                case MATCHES_TOO_LITTLE -> new BrokenSubscription(inner.subscribe(narrowed(request)));
                case TAKES_ANY_PATTERN_FOR_A_GROUP -> new BrokenSubscription(inner.subscribe(asBefore(request)));
                case STARTS_LATE -> new LateSubscription(request);
                case LEAVES_A_THREAD -> {
                    Thread thread = new Thread(
                            () -> {
                                try {
                                    Thread.sleep(20_000);
                                } catch (InterruptedException e) {
                                    Thread.currentThread().interrupt();
                                }
                            },
                            "left behind");
                    thread.setDaemon(true);
                    thread.start();
                    yield new BrokenSubscription(inner.subscribe(request));
                }
                default -> new BrokenSubscription(inner.subscribe(request));
            };
        }

        private SubscribeRequest starting(SubscribeRequest request, StartAt start) {
            return new SubscribeRequest(request.filters(), request.group(), start, request.ready());
        }

        /** As if tenants were no part of a group's name. */
        private SubscribeRequest widened(SubscribeRequest request) {
            if (request.group() == null) {
                return request;
            }
            return new SubscribeRequest(
                    request.filters().stream()
                            .map(filter -> filter.scope() instanceof TenantContext tenant
                                    ? new SubscribeRequest.Filter(TenantScope.all(tenant.env()), filter.pattern())
                                    : filter)
                            .toList(),
                    request.group(),
                    request.start(),
                    request.ready());
        }

        /** As if a pattern did not reach beyond a dot. */
        private SubscribeRequest narrowed(SubscribeRequest request) {
            return new SubscribeRequest(
                    request.filters().stream()
                            .map(filter -> new SubscribeRequest.Filter(
                                    filter.scope(),
                                    filter.pattern().value().endsWith(".*")
                                            ? TopicPattern.of(
                                                    filter.pattern().value().replace(".*", ".?"))
                                            : filter.pattern()))
                            .toList(),
                    request.group(),
                    request.start(),
                    request.ready());
        }

        private SubscribeRequest asBefore(SubscribeRequest request) {
            String group = request.group();
            if (group == null) {
                return request;
            }
            SubscribeRequest.Filter filter = request.filters().get(0);
            TopicPattern pattern = patterns.computeIfAbsent(filter.scope() + group, any -> filter.pattern());
            return new SubscribeRequest(
                    List.of(new SubscribeRequest.Filter(filter.scope(), pattern)),
                    group,
                    request.start(),
                    request.ready());
        }

        private ProviderSubscription lenient(SubscribeRequest request) {
            try {
                return inner.subscribe(request);
            } catch (EventsException e) {
                return inner.subscribe(starting(request, StartAt.NEW));
            }
        }

        @Override
        public void close() {
            if (defect == Defect.HANGS_ON_CLOSE) {
                try {
                    Thread.sleep(3_000);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
            inner.close();
        }

        /** Subscribes in truth when it is polled. */
        private final class LateSubscription implements ProviderSubscription {
            private final SubscribeRequest request;
            private @Nullable ProviderSubscription real;

            LateSubscription(SubscribeRequest request) {
                this.request = request;
            }

            private synchronized ProviderSubscription real() {
                if (real == null) {
                    real = inner.subscribe(request);
                }
                return real;
            }

            @Override
            public Polled poll(int max, Duration wait) throws InterruptedException {
                Thread.sleep(20);
                return real().poll(max, wait);
            }

            @Override
            public List<SettleOutcome> settle(List<Settled> settled) {
                return real().settle(settled);
            }

            @Override
            public List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
                return real().extend(deliveries, by);
            }

            @Override
            public Duration lease() {
                return Duration.ZERO;
            }

            @Override
            public void pause(Set<Shard> shards) {
                real().pause(shards);
            }

            @Override
            public void released(Shard shard) {
                real().released(shard);
            }

            @Override
            public void close() {
                real().close();
            }
        }
    }

    private final class BrokenSubscription implements ProviderSubscription {
        private final ProviderSubscription inner;
        private final List<InboundDelivery> handed = new ArrayList<>();
        private int seen;

        BrokenSubscription(ProviderSubscription inner) {
            this.inner = inner;
        }

        @Override
        public Polled poll(int max, Duration wait) throws InterruptedException {
            if (defect == Defect.GOES_DEAF && seen > 100) {
                return Polled.of(List.of(), true);
            }
            Polled polled = inner.poll(defect == Defect.GOES_DEAF ? Math.min(max, 10) : max, wait);
            List<InboundDelivery> deliveries = new ArrayList<>(polled.deliveries());
            seen += deliveries.size();
            switch (defect) {
                case ACKS_EARLY -> {
                    var unused =
                            inner.settle(deliveries.stream().map(Settled::ack).toList());
                }
                case REORDERS -> Collections.reverse(deliveries);
                case LOSES_ON_CLOSE -> handed.addAll(deliveries);
                case DUPLICATES_SILENTLY -> {
                    if (!deliveries.isEmpty() && seen % 7 == 0) {
                        deliveries.add(deliveries.get(0));
                    }
                }
                case LOGS_AN_ERROR_AND_GOES_ON -> {
                    if (!deliveries.isEmpty()) {
                        LOG.error("something went wrong, and nobody was told");
                    }
                }
                default -> {}
            }
            return new Polled(
                    deliveries,
                    defect == Defect.NEVER_GIVES_A_SHARD_UP ? List.of() : polled.revoking(),
                    polled.lost(),
                    polled.connected(),
                    polled.quiet());
        }

        @Override
        public List<SettleOutcome> settle(List<Settled> settled) {
            List<SettleOutcome> outcomes = inner.settle(
                    defect != Defect.REDELIVERS_EARLY
                            ? settled
                            : settled.stream()
                                    .map(one -> new Settled(
                                            one.delivery(),
                                            one.settlement(),
                                            one.delay().dividedBy(2)))
                                    .toList());
            return defect == Defect.SETTLES_WHAT_IT_LOST || defect == Defect.ACKS_EARLY
                    ? outcomes.stream().map(any -> SettleOutcome.SETTLED).toList()
                    : outcomes;
        }

        @Override
        public List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
            return defect == Defect.EXTENDS_WHAT_IS_SETTLED
                    ? deliveries.stream().map(any -> SettleOutcome.SETTLED).toList()
                    : inner.extend(deliveries, by);
        }

        @Override
        public Duration lease() {
            return inner.lease();
        }

        @Override
        public void pause(Set<Shard> shards) {
            inner.pause(shards);
        }

        @Override
        public void released(Shard shard) {
            if (defect != Defect.NEVER_GIVES_A_SHARD_UP) {
                inner.released(shard);
            }
        }

        @Override
        public void close() {
            if (defect == Defect.LOSES_ON_CLOSE) {
                var unused = inner.settle(handed.stream().map(Settled::ack).toList());
            }
            inner.close();
        }
    }
}

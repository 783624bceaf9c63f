package ai.greentic.events.runner;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.conformance.ProviderConformance;
import ai.greentic.events.conformance.Target;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.ProviderContext;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettingsSchema;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** The kit over a broker behind a host, which is in this process so that the kit need not start a program for each of its operations. */
class RunnerConformanceTest extends ProviderConformance {
    @Override
    protected Target target() {
        return new Target() {
            @Override
            public ProviderFactory factory() {
                return new InProcess();
            }

            @Override
            public boolean shared() {
                return false;
            }
        };
    }

    /** A factory whose every provider has a broker of its own. */
    public static final class InProcess implements ProviderFactory {
        private static RunnerProviderFactory over(RunnerHost host) {
            return RunnerProviderFactory.broker("in-process", "kit", host);
        }

        @Override
        public String transport() {
            return "in-process";
        }

        @Override
        public SettingsSchema settings() {
            return over(new Broker()).settings();
        }

        @Override
        public Set<Capability> capabilities(ProviderSettings settings) {
            return over(new Broker()).capabilities(settings);
        }

        @Override
        public EventProvider create(ProviderSettings settings, ProviderContext context) {
            return over(new Broker()).create(settings, context);
        }
    }

    /** Speaks the broker's operations. Holds what was not acknowledged, and forgets it with its subscription. */
    private static final class Broker implements RunnerHost {
        private final Map<String, Subscriber> subscribers = new LinkedHashMap<>();
        private long deliveries;

        private record Waiting(String token, EventEnvelope event) {}

        private record Subscriber(TenantScope scope, TopicPattern topics, Deque<Waiting> waiting) {}

        @Override
        public byte[] invoke(String op, byte[] request) throws InterruptedException {
            Map<String, Payload> fields = Fields.of(request, "a request");
            String answer = switch (op) {
                case "publish" -> publish(fields);
                case "subscribe" -> subscribe(fields);
                case "next_event" -> next(fields);
                case "ack_event" -> "{\"ok\":true}";
                default -> throw new AssertionError(op);
            };
            return answer.getBytes(StandardCharsets.UTF_8);
        }

        private static Payload field(Map<String, Payload> fields, String name) {
            return Objects.requireNonNull(fields.get(name), name);
        }

        private synchronized String publish(Map<String, Payload> fields) {
            EventEnvelope event =
                    EnvelopeCodec.STANDARD.decode(field(fields, "event").toBytes());
            for (Subscriber subscriber : subscribers.values()) {
                if (subscriber.scope.includes(event.tenant().tenant()) && subscriber.topics.matches(event.topic())) {
                    subscriber.waiting.addLast(new Waiting("d-" + ++deliveries, event));
                }
            }
            notifyAll();
            return "{\"ok\":true}";
        }

        private synchronized String subscribe(Map<String, Payload> fields) {
            String id = "s-" + subscribers.size();
            Payload tenant = fields.get("tenant");
            subscribers.put(
                    id,
                    new Subscriber(
                            tenant == null
                                    ? TenantScope.all(field(fields, "env").as(String.class))
                                    : EnvelopeCodec.STANDARD.decodeContext(tenant.toBytes()),
                            TopicPattern.of(field(fields, "topic").as(String.class)),
                            new ArrayDeque<>()));
            return "{\"subscription_id\":\"" + id + "\"}";
        }

        private synchronized String next(Map<String, Payload> fields) throws InterruptedException {
            Subscriber subscriber = Objects.requireNonNull(
                    subscribers.get(field(fields, "subscription_id").as(String.class)));
            long end = System.nanoTime() + field(fields, "timeout_ms").as(Long.class) * 1_000_000;
            while (subscriber.waiting.isEmpty()) {
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    return "{\"event\":null}";
                }
                wait(left);
            }
            Waiting first = subscriber.waiting.removeFirst();
            return "{\"delivery_id\":\"" + first.token + "\",\"event\":"
                    + new String(EnvelopeCodec.STANDARD.encode(first.event), StandardCharsets.UTF_8) + "}";
        }
    }
}

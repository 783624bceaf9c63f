package ai.greentic.events.runner;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.codec.EnvelopeCodec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * A provider component behind a {@link RunnerHost}, in the words of {@code greentic:provider-schema-core/schema-core-api@1.0.0}: it describes
 * itself, checks its settings, says how it is, and is invoked. The host is asked for the function ({@code describe}, {@code validate-config},
 * {@code healthcheck}, {@code invoke}); a request to invoke names the {@code operation} and has its {@code input}. A component has no typed
 * errors: what it answers with {@code error}, or with {@code ok} as false, is one. Thread-safe as its host is; every call blocks.
 */
public final class ProviderCoreClient {
    private static final Set<String> EMITTED =
            Set.of("event_id", "event_type", "occurred_at", "source", "scope", "payload");

    private final RunnerHost host;
    private final String pack;
    private final String provider;

    /**
     * What a component says of itself.
     *
     * @param providerType for example {@code events.webhook}
     * @param capabilities what it can do
     * @param ops what it can be invoked for
     * @param document all that it said
     */
    public record Description(String providerType, List<String> capabilities, List<String> ops, Payload document) {}

    /**
     * What a component answers to a publish.
     *
     * @param receiptId its receipt
     * @param queued whether it only has the event; else it passed it on
     */
    public record Receipt(String receiptId, boolean queued) {}

    /**
     * @param pack id of the pack that the component is of
     * @param provider its name there
     */
    public ProviderCoreClient(RunnerHost host, String pack, String provider) {
        this.host = Objects.requireNonNull(host);
        this.pack = pack;
        this.provider = provider;
    }

    private String what(String op) {
        return "the answer of provider " + provider + " to " + op;
    }

    private Map<String, Payload> call(String function, String what, Map<String, Payload> more)
            throws InterruptedException {
        Map<String, Payload> request = RunnerBrokerClient.request(function, pack, provider);
        request.putAll(more);
        Map<String, Payload> answer = Fields.of(host.invoke(function, Fields.object(request)), what);
        Payload ok = answer.get("ok");
        Payload error = answer.get("error");
        if (error != null && !error.equals(Payload.NULL) || ok != null && ok.equals(Payload.of(false))) {
            throw new EventsException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    "provider " + provider + " failed: " + (error == null ? "it says no more" : said(error)));
        }
        return answer;
    }

    private static String said(Payload error) {
        String text = error.json().startsWith("\"") ? error.as(String.class) : error.json();
        return text.length() > 200 ? text.substring(0, 200) + "…" : text;
    }

    /** What it says of itself. */
    public Description describe() throws InterruptedException {
        String what = what("describe");
        Map<String, Payload> answer = call("describe", what, Map.of());
        return new Description(
                Fields.text(answer, "provider_type")
                        .filter(type -> !type.isBlank())
                        .orElseThrow(() -> RunnerBrokerClient.corrupt(what + " has no provider_type")),
                texts(answer, "capabilities", what),
                texts(answer, "ops", what),
                Payload.json(Fields.object(answer)));
    }

    /** The texts of a list; of an object in it, its {@code name}. */
    private static List<String> texts(Map<String, Payload> answer, String name, String what) {
        List<String> texts = new ArrayList<>();
        for (Payload item : Fields.items(answer, name, what)) {
            if (item.json().startsWith("\"")) {
                texts.add(item.as(String.class));
            } else if (item.json().startsWith("{")) {
                Fields.text(Fields.of(item.toBytes(), what), "name").ifPresent(texts::add);
            }
        }
        return List.copyOf(texts);
    }

    /**
     * Has it check settings, and returns them as it wants them.
     *
     * @throws EventsException {@code INVALID_CONFIGURATION} if it refuses them
     */
    public Payload validateConfig(Payload config) throws InterruptedException {
        Map<String, Payload> request = RunnerBrokerClient.request("validate-config", pack, provider);
        request.put("config", config);
        Map<String, Payload> answer =
                Fields.of(host.invoke("validate-config", Fields.object(request)), what("validate-config"));
        Payload valid = answer.get("valid");
        if (valid == null || !valid.equals(Payload.of(true))) {
            Payload error = answer.get("error");
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION,
                    "provider " + provider + " refuses its config: "
                            + (error == null ? "it says no more" : said(error)));
        }
        return answer.getOrDefault("config", config);
    }

    /**
     * Returns if it is well.
     *
     * @throws EventsException {@code PROVIDER_UNAVAILABLE} if it is not
     */
    public void healthcheck() throws InterruptedException {
        Map<String, Payload> answer = call("healthcheck", what("healthcheck"), Map.of());
        String status = Fields.text(answer, "status").orElse("");
        if (!status.equals("ok")) {
            throw new EventsException(
                    ErrorCode.PROVIDER_UNAVAILABLE,
                    "provider " + provider + " says that its status is '" + status + "' and not ok");
        }
    }

    /** Invokes an operation, and returns what it answers. */
    public Payload invoke(String operation, Payload input) throws InterruptedException {
        return Payload.json(Fields.object(invoked(operation, input)));
    }

    private Map<String, Payload> invoked(String operation, Payload input) throws InterruptedException {
        return call("invoke", what(operation), Map.of("operation", Payload.of(operation), "input", input));
    }

    /**
     * Invokes {@code publish} with an event.
     *
     * @param config its settings, as {@link #validateConfig} returned them
     */
    public Receipt publish(Payload config, EventEnvelope event) throws InterruptedException {
        Map<String, Payload> answer = invoked("publish", publishInput(config, event));
        String status = Fields.text(answer, "status").orElse("");
        if (!Set.of("queued", "published", "accepted").contains(status)) {
            throw RunnerBrokerClient.corrupt(
                    what("publish") + " has status '" + status + "'; it must be queued, published or accepted");
        }
        return new Receipt(
                Fields.text(answer, "receipt_id")
                        .filter(id -> !id.isBlank())
                        .orElseThrow(() -> RunnerBrokerClient.corrupt(what("publish") + " has no receipt_id")),
                status.equals("queued"));
    }

    private static Payload publishInput(Payload config, EventEnvelope event) {
        Map<String, Payload> input = input(config, event.tenant());
        input.put("event", Payload.json(EnvelopeCodec.STANDARD.encode(event)));
        event.correlationId().ifPresent(id -> input.put("correlation_id", Payload.of(id)));
        return Payload.json(Fields.object(input));
    }

    /** What every operation is given. */
    private static Map<String, Payload> input(Payload config, TenantContext tenant) {
        Map<String, Payload> input = new LinkedHashMap<>();
        input.put("config", config);
        input.put("tenant", Payload.of(tenant.tenant().name()));
        tenant.team().ifPresent(team -> input.put("team", Payload.of(team)));
        return input;
    }

    /**
     * Invokes {@code ingest_http} with a request that somebody made, and returns the events that it stands for.
     *
     * @param handler the pack's handler that the request is for
     * @param http the request as the component wants it, with {@code method}, {@code path}, {@code headers}, {@code body}
     */
    public List<EventEnvelope> ingestHttp(Payload config, TenantContext tenant, String handler, Payload http)
            throws InterruptedException {
        Map<String, Payload> input = input(config, tenant);
        input.put("handler_id", Payload.of(handler));
        input.put("http", http);
        return emitted(tenant, invoked("ingest_http", Payload.json(Fields.object(input))), "ingest_http");
    }

    /** Invokes {@code timer_tick}, and returns the events that it stands for. */
    public List<EventEnvelope> timerTick(Payload config, TenantContext tenant, String handler)
            throws InterruptedException {
        Map<String, Payload> input = input(config, tenant);
        input.put("handler_id", Payload.of(handler));
        return emitted(tenant, invoked("timer_tick", Payload.json(Fields.object(input))), "timer_tick");
    }

    private List<EventEnvelope> emitted(TenantContext tenant, Map<String, Payload> answer, String op) {
        List<EventEnvelope> events = new ArrayList<>();
        for (Payload item : Fields.items(answer, "emitted_events", what(op))) {
            events.add(event(tenant, item, op));
        }
        return events;
    }

    /** An emitted event's type is its topic too; what it says of its origin goes along. */
    private EventEnvelope event(TenantContext tenant, Payload item, String op) {
        List<String> problems = Form.none();
        Form form = Form.root(item.toBytes(), "an event of " + what(op), problems);
        List.of("event_id", "event_type", "occurred_at", "payload").forEach(form::require);
        String id = form.text("event_id");
        String type = form.text("event_type");
        Instant at = form.time("occurred_at");
        Form source = form.form("source");
        String from = source.text("provider");
        String handler = source.text("handler_id");
        Form scope = form.form("scope");
        String whose = scope.text("tenant");
        String correlation = scope.text("correlation_id");
        if (whose != null && !whose.equals(tenant.tenant().name())) {
            throw new EventsException(
                    ErrorCode.TENANT_MISMATCH,
                    "provider " + provider + " was asked for tenant " + tenant.tenant() + " and emitted an event of "
                            + whose);
        }
        Form.refuse(problems, "an event of " + what(op));
        EventEnvelope.Builder event = EventEnvelope.builder(tenant, Objects.requireNonNull(type))
                .id(Objects.requireNonNull(id))
                .type(type)
                .source(from == null ? provider : from)
                .time(Objects.requireNonNull(at))
                .payload(Objects.requireNonNull(form.value("payload")))
                .unknownFields(form.others(EMITTED));
        if (handler != null) {
            event.metadata("handler_id", handler);
        }
        if (correlation != null) {
            event.correlationId(correlation);
        }
        return event.build();
    }
}

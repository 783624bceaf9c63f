package ai.greentic.events.harness;

import ai.greentic.events.ChannelMessage;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.codec.ChannelMessageCodec;
import ai.greentic.events.codec.EnvelopeCodec;
import ai.greentic.events.pack.Pack;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;

/** What a pack brings to be tried with: below {@code fixtures/} or {@code assets/fixtures/}, and the flows that ask for its settings. */
final class Fixtures {
    static final TenantContext TENANT = TenantContext.of("dev", "tenant");
    /** The same in every run, so that runs can be compared. */
    static final Instant TIME = Instant.parse("2025-01-01T00:00:00Z");

    private static final List<String> NAMES = List.of(
            "requirements.expected.json",
            "setup.input.json",
            "setup.expected.plan.json",
            "ingest.request.json",
            "emit.request.json",
            "subscriptions.expected.json");

    private final SortedMap<String, byte[]> files;
    private final Pack pack;

    private Fixtures(Pack pack, SortedMap<String, byte[]> files) {
        this.pack = pack;
        this.files = files;
    }

    static Fixtures of(Pack pack) {
        List<String> paths = new ArrayList<>();
        for (String name : NAMES) {
            paths.add("fixtures/" + name);
            paths.add("assets/fixtures/" + name);
        }
        for (String word : List.of("requirements", "setup", "provision")) {
            for (String flow : flows(pack, word)) {
                paths.add("flows/" + flow + "/flow.ygtc");
                paths.add("flows/" + flow + ".ygtc");
            }
        }
        return new Fixtures(pack, pack.files(paths));
    }

    /** Flows whose ids contain a word: those that the pack is entered by come first. */
    private static List<String> flows(Pack pack, String word) {
        List<String> found = new ArrayList<>();
        pack.extras().entryFlows().values().stream()
                .filter(id -> id.contains(word) && isPlain(id))
                .forEach(found::add);
        pack.flows().stream()
                .filter(id -> id.contains(word) && isPlain(id) && !found.contains(id))
                .forEach(found::add);
        return found;
    }

    /** An id becomes part of a path. */
    private static boolean isPlain(String id) {
        return id.matches("[A-Za-z0-9_-][A-Za-z0-9._-]*");
    }

    /** The first flow with one of these words in its id that has a document. */
    Optional<ConfigFlow> flow(List<String> words) {
        for (String word : words) {
            for (String id : flows(pack, word)) {
                for (String path : List.of("flows/" + id + "/flow.ygtc", "flows/" + id + ".ygtc")) {
                    byte[] bytes = files.get(path);
                    if (bytes != null && Pack.document(path, bytes) instanceof Map<?, ?> document) {
                        return Optional.of(new ConfigFlow(id, document));
                    }
                }
            }
        }
        return Optional.empty();
    }

    Optional<byte[]> bytes(String name) {
        return Optional.ofNullable(files.get("fixtures/" + name))
                .or(() -> Optional.ofNullable(files.get("assets/fixtures/" + name)));
    }

    /** A fixture as plain values. */
    Optional<Object> document(String name) {
        return bytes(name).map(bytes -> Payload.json(bytes).as(Object.class));
    }

    /** The message that comes in; what is no message, such as an HTTP request, is what a message carries. */
    Optional<ChannelMessage> message(String provider) {
        return bytes("ingest.request.json").map(bytes -> {
            Payload fixture = Payload.json(bytes);
            if (looksLike(fixture, List.of("id", "tenant", "channel"))) {
                return ChannelMessageCodec.STANDARD.decode(bytes);
            }
            return ChannelMessage.builder("fixture", TENANT, provider + ".ingest", "session")
                    .text(fixture.json())
                    .build();
        });
    }

    /** The event that goes out; what is no event, such as an e-mail, is the payload of one. */
    Optional<EventEnvelope> event(String provider) {
        return bytes("emit.request.json").map(bytes -> {
            Payload fixture = Payload.json(bytes);
            if (looksLike(fixture, List.of("topic", "tenant", "payload"))) {
                return EnvelopeCodec.STANDARD.decode(bytes);
            }
            return EventEnvelope.builder(TENANT, provider + ".emit")
                    .id("fixture")
                    .type("greentic.events.emit")
                    .source("greentic-events-test")
                    .subject("session")
                    .time(TIME)
                    .payload(fixture)
                    .build();
        });
    }

    private static boolean looksLike(Payload fixture, List<String> keys) {
        return fixture.as(Object.class) instanceof Map<?, ?> fields
                && fields.keySet().containsAll(keys);
    }
}

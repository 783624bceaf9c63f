package ai.greentic.events.harness;

import ai.greentic.events.ChannelMessage;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.ProviderDescriptor.Kind;
import ai.greentic.events.TenantContext;
import ai.greentic.events.harness.Report.Diagnostic;
import ai.greentic.events.harness.Report.Outcome;
import ai.greentic.events.harness.Report.Stage;
import ai.greentic.events.pack.Pack;
import ai.greentic.events.pack.PackProvider;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One pack, stage after stage. */
final class PackRun {
    private final Pack pack;
    private final List<PackProvider> providers;
    private final Fixtures fixtures;
    private final Performer performer;
    private final long deadlineNanos;
    private final Map<Stage, Outcome> stages = new EnumMap<>(Stage.class);
    private final List<Diagnostic> diagnostics = new ArrayList<>();
    private Requirements requirements = new Requirements(List.of(), List.of(), false, false);
    private @Nullable Plan plan;

    PackRun(Pack pack, List<PackProvider> providers, Performer performer, long deadlineNanos) {
        this.pack = pack;
        this.providers = providers;
        this.fixtures = Fixtures.of(pack);
        this.performer = performer;
        this.deadlineNanos = deadlineNanos;
    }

    /** What a stage does; what is wrong goes into the list. */
    private interface Work {
        void run(List<String> problems) throws InterruptedException;
    }

    Map<Stage, Outcome> run() throws InterruptedException {
        stage(Stage.REQUIREMENTS, true, this::requirements);
        if (stages.containsValue(Outcome.FAIL)) {
            // Whoever does not know what is needed cannot tell whether the rest works.
            for (Stage stage : Stage.values()) {
                stages.put(stage, Outcome.FAIL);
            }
            return stages;
        }
        stage(Stage.SETUP, true, this::setup);
        stage(Stage.INGEST, any(Kind.SOURCE, Kind.BRIDGE), this::ingest);
        stage(Stage.EMIT, any(Kind.SINK, Kind.BRIDGE), this::emit);
        stage(Stage.SUBSCRIPTIONS, any(Kind.BROKER) || requirements.subscriptionsRequired(), this::subscriptions);
        return stages;
    }

    List<Diagnostic> diagnostics() {
        return diagnostics;
    }

    private boolean any(Kind... kinds) {
        return providers.stream()
                .anyMatch(
                        provider -> Set.of(kinds).contains(provider.descriptor().kind()));
    }

    private void stage(Stage stage, boolean wanted, Work work) throws InterruptedException {
        if (!wanted) {
            stages.put(stage, Outcome.SKIP);
            return;
        }
        List<String> problems = new ArrayList<>();
        try {
            if (System.nanoTime() - deadlineNanos >= 0) {
                throw new EventsException(ErrorCode.DEADLINE_EXCEEDED, "the time for this pack was over");
            }
            work.run(problems);
        } catch (EventsException e) {
            problems.add(e.code() + ": " + e.getMessage());
        } catch (RuntimeException e) {
            // A defect, of which the other packs are to hear nothing.
            problems.add("a defect: " + e);
        }
        problems.forEach(problem -> diagnostics.add(new Diagnostic(stage, problem)));
        stages.put(stage, problems.isEmpty() ? Outcome.PASS : Outcome.FAIL);
    }

    private void say(Stage stage, String message) {
        diagnostics.add(new Diagnostic(stage, message));
    }

    private static String missing(String name) {
        return "the pack has no fixtures/" + name + ", also not below assets/";
    }

    private void requirements(List<String> problems) {
        String file = "requirements.expected.json";
        Optional<Requirements> found = Optional.empty();
        Optional<ConfigFlow> flow = fixtures.flow(List.of("requirements"));
        List<String> ofFlow = new ArrayList<>();
        if (flow.isPresent()) {
            try {
                found = Requirements.read(flow.get().run(Map.of()), "what the requirements flow says", ofFlow);
            } catch (ConfigFlow.FlowException e) {
                problems.add(String.valueOf(e.getMessage()));
                return;
            }
        }
        if (found.isEmpty()) {
            Optional<Object> fixture = fixtures.document(file);
            if (fixture.isEmpty()) {
                problems.addAll(ofFlow);
                problems.add(missing(file));
                return;
            }
            found = Requirements.read(fixture.get(), file, problems);
            ofFlow.forEach(problem -> say(Stage.REQUIREMENTS, problem + "; " + file + " counts"));
        }
        found.ifPresent(read -> {
            requirements = read;
            say(
                    Stage.REQUIREMENTS,
                    "required: " + read.configKeys().size() + " configuration keys, "
                            + read.secretKeys().size() + " secrets"
                            + (read.subscriptionsRequired() ? ", subscriptions" : "")
                            + (read.webhooksRequired() ? ", webhooks" : ""));
        });
    }

    private void setup(List<String> problems) {
        Optional<Object> input = fixtures.document("setup.input.json");
        if (input.isPresent() && !(input.get() instanceof Map<?, ?>)) {
            problems.add("setup.input.json is not an object");
            return;
        }
        Map<?, ?> answers = input.map(value -> (Map<?, ?>) value).orElse(Map.of());
        Optional<ConfigFlow> flow = fixtures.flow(List.of("setup", "provision"));
        List<String> ofFlow = new ArrayList<>();
        Optional<Plan> found = Optional.empty();
        if (flow.isPresent()) {
            try {
                @Nullable Object once = flow.get().run(answers);
                // For each provider, as a host does that sets them up one by one.
                for (PackProvider provider : providers) {
                    if (!Objects.equals(once, flow.get().run(answers))) {
                        problems.add("the setup flow says something else when it runs again, for " + provider.name());
                        return;
                    }
                }
                found = Plan.read(once, "what the setup flow says", ofFlow);
            } catch (ConfigFlow.FlowException e) {
                problems.add(String.valueOf(e.getMessage()));
                return;
            }
        }
        if (found.isEmpty()) {
            found = planOfFixtures(input, answers, problems);
            ofFlow.forEach(problem -> say(Stage.SETUP, problem + "; the fixtures count"));
        }
        found.ifPresent(read -> {
            plan = read;
            problems.addAll(read.lacks(requirements));
            say(Stage.SETUP, "planned: " + read.summary());
        });
    }

    private Optional<Plan> planOfFixtures(Optional<Object> input, Map<?, ?> answers, List<String> problems) {
        Optional<Object> expected = fixtures.document("setup.expected.plan.json");
        if (expected.isPresent()) {
            return Plan.read(expected.get(), "setup.expected.plan.json", problems);
        }
        if (input.isEmpty()) {
            problems.add(missing("setup.input.json"));
            return Optional.empty();
        }
        return Plan.isPlan(answers)
                ? Plan.read(answers, "setup.input.json", problems)
                : Optional.of(Plan.ofAnswers(answers, requirements));
    }

    private Performer.Part part(PackProvider provider) {
        return new Performer.Part(pack.id(), provider.name(), deadlineNanos);
    }

    private void ingest(List<String> problems) throws InterruptedException {
        for (PackProvider provider : providers) {
            if (!Set.of(Kind.SOURCE, Kind.BRIDGE).contains(provider.descriptor().kind())) {
                continue;
            }
            Optional<ChannelMessage> message = fixtures.message(provider.name());
            if (message.isEmpty()) {
                problems.add(missing("ingest.request.json"));
                return;
            }
            List<EventEnvelope> events = performer.ingest(part(provider), message.get());
            String of = provider.name() + " made of the message";
            if (events.isEmpty()) {
                problems.add("nothing is what " + of);
            }
            for (EventEnvelope event : events) {
                if (event.subject().orElse("").isBlank()) {
                    problems.add("event " + event + ", which " + of + ", has no subject");
                }
                if (!event.tenant().tenant().equals(message.get().tenant().tenant())) {
                    problems.add("event " + event + ", which " + of + ", is of tenant "
                            + event.tenant().tenant() + "; the message is of "
                            + message.get().tenant().tenant());
                }
            }
            say(Stage.INGEST, provider.name() + ": " + events.size() + " events");
        }
    }

    private void emit(List<String> problems) throws InterruptedException {
        for (PackProvider provider : providers) {
            if (!Set.of(Kind.SINK, Kind.BRIDGE).contains(provider.descriptor().kind())) {
                continue;
            }
            Optional<EventEnvelope> event = fixtures.event(provider.name());
            if (event.isEmpty()) {
                problems.add(missing("emit.request.json"));
                return;
            }
            List<ChannelMessage> messages = performer.emit(part(provider), event.get());
            String of = provider.name() + " made of the event";
            if (messages.isEmpty()) {
                problems.add("nothing is what " + of);
            }
            for (ChannelMessage message : messages) {
                if (message.channel().isBlank()) {
                    problems.add("message " + message.id() + ", which " + of + ", has no channel");
                }
                if (!message.tenant().tenant().equals(event.get().tenant().tenant())) {
                    problems.add("message " + message.id() + ", which " + of + ", is of tenant "
                            + message.tenant().tenant() + "; the event is of "
                            + event.get().tenant().tenant());
                }
            }
            say(Stage.EMIT, provider.name() + ": " + messages.size() + " messages");
        }
    }

    private void subscriptions(List<String> problems) throws InterruptedException {
        expected(problems);
        Optional<PackProvider> broker = providers.stream()
                .filter(provider -> provider.descriptor().kind() == Kind.BROKER)
                .findFirst();
        if (broker.isEmpty()) {
            return;
        }
        String topic = broker.get().topics().isEmpty()
                ? "greentic.events.test"
                : broker.get().topics().get(0).value().replace("*", "test").replace('?', 't');
        TenantContext tenant = Fixtures.TENANT;
        performer.subscribe(
                part(broker.get()),
                EventEnvelope.builder(tenant, topic)
                        .id("evt-subscription")
                        .type("greentic.events.subscription")
                        .source("greentic-events-test")
                        .subject("session")
                        .time(Fixtures.TIME)
                        .payload(Payload.of(Map.of("ok", true)))
                        .build());
        say(Stage.SUBSCRIPTIONS, broker.get().name() + ": an event of " + topic + " was published and came");
    }

    /** That the plan has the subscriptions which the pack says it will have. */
    private void expected(List<String> problems) {
        String file = "subscriptions.expected.json";
        Optional<Object> fixture = fixtures.document(file);
        Plan planned = plan;
        if (fixture.isEmpty() || planned == null) {
            return;
        }
        if (!(fixture.get() instanceof List<?> list)) {
            problems.add(file + " is not a list");
            return;
        }
        for (Object item : list) {
            String name = Plan.name(item, List.of("topic", "id"));
            if (name == null) {
                problems.add(file + ": an item has neither topic nor id");
            } else if (!planned.subscriptions().contains(name)) {
                problems.add(file + " expects " + name + "; the plan has " + planned.subscriptions());
            }
        }
    }
}

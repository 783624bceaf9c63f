package ai.greentic.events.bus;

import ai.greentic.events.PatternIndex;
import ai.greentic.events.Topic;
import java.util.ArrayList;
import java.util.List;

/** What a bus can say about itself. */
final class Explanations {
    private final Engine engine;

    Explanations(Engine engine) {
        this.engine = engine;
    }

    RouteExplanation route(Topic topic) {
        PatternIndex.Entry<Registration> deciding = engine.routes.deciding(topic);
        List<String> others = engine.registrations.stream()
                .filter(registration -> registration.publishes()
                        && (deciding == null || registration != deciding.value())
                        && registration.topics.stream().anyMatch(pattern -> pattern.matches(topic)))
                .map(Registration::qualifiedName)
                .toList();
        return deciding == null
                ? new RouteExplanation(topic.value(), null, null, false, others)
                : new RouteExplanation(
                        topic.value(),
                        deciding.value().qualifiedName(),
                        deciding.pattern().value(),
                        !deciding.value().topics.contains(deciding.pattern()),
                        others);
    }

    List<String> shadowedPatterns() {
        return engine.routes.shadowed().stream()
                .map(shadowed -> "pattern " + shadowed.pattern() + " of " + shadowed.route() + " never decides: "
                        + shadowed.by() + " of " + shadowed.byRoute() + " comes first and covers it")
                .toList();
    }

    BusHealth health() {
        List<BusHealth.Component> components = new ArrayList<>();
        boolean ready = !engine.isClosing();
        for (Registration registration : engine.registrations) {
            BusHealth.Component component = provider(registration);
            ready &= component.state() != BusHealth.State.DOWN;
            components.add(component);
        }
        for (BusSubscription subscription : engine.subscriptions()) {
            BusHealth.Component component = subscription.health();
            ready &= component.state() != BusHealth.State.DOWN;
            if (component.state() != BusHealth.State.UP) {
                components.add(component);
            }
        }
        return new BusHealth(!engine.isClosing(), ready, components);
    }

    private static BusHealth.Component provider(Registration registration) {
        String name = "provider " + registration;
        Sender sender = registration.sender();
        if (sender == null) {
            return new BusHealth.Component(
                    name,
                    BusHealth.State.DOWN,
                    "it did not start: " + registration.status().failure());
        }
        int failures = sender.breaker.failures();
        return switch (sender.breaker.state()) {
            case OPEN ->
                new BusHealth.Component(
                        name,
                        BusHealth.State.DOWN,
                        failures + " calls in a row failed; it is left alone until a probe");
            case HALF_OPEN ->
                new BusHealth.Component(
                        name, BusHealth.State.DOWN, failures + " calls in a row failed; a probe is on its way");
            case CLOSED ->
                failures == 0
                        ? new BusHealth.Component(name, BusHealth.State.UP, "")
                        : new BusHealth.Component(
                                name, BusHealth.State.DEGRADED, "its last " + failures + " calls failed");
        };
    }
}

package ai.greentic.events.bus;

import java.util.List;

/**
 * How a bus is, at one moment.
 *
 * @param live whether it works at all: it is not closed
 * @param ready whether every provider started and answers, and every subscription is bound: send it work
 * @param components every provider and every subscription that is not as it should be, with the reason; all providers are listed
 */
public record BusHealth(boolean live, boolean ready, List<Component> components) {
    /** How a part is. */
    public enum State {
        UP,
        /** It works, with a restriction that the reason names. */
        DEGRADED,
        DOWN
    }

    /**
     * A provider or subscription.
     *
     * @param name {@code provider x} or {@code subscription y}
     * @param state how it is
     * @param reason why it is not up; empty if it is
     */
    public record Component(String name, State state, String reason) {}

    public BusHealth {
        components = List.copyOf(components);
    }

    /** Whether something is not up. */
    public boolean degraded() {
        return components.stream().anyMatch(component -> component.state() != State.UP);
    }
}

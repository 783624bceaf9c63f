package ai.greentic.events.bus;

import ai.greentic.events.EventEnvelope;

/**
 * Looks at, changes or refuses events as they come and go, for example to check, enrich, encrypt or mask them. Interceptors of publishing
 * run in order before every check, those of delivery in reverse order before the handler. Called by many threads at once.
 */
@FunctionalInterface
public interface Interceptor {
    /** Which way an event goes. */
    enum Direction {
        PUBLISH,
        DELIVERY
    }

    /**
     * Returns the event as it is to go on. Tenant and topic must stay; on delivery the id must, too.
     *
     * @throws RuntimeException to refuse: a publish fails with it, a delivery fails as if its handler had
     */
    EventEnvelope intercept(Direction direction, EventEnvelope event);
}

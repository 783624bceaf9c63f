package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.TenantTopic;
import java.util.List;

/** The interceptors of a bus, in order. */
final class Interceptors {
    private final List<Interceptor> all;

    Interceptors(List<Interceptor> all) {
        this.all = List.copyOf(all);
    }

    boolean isEmpty() {
        return all.isEmpty();
    }

    EventEnvelope publish(EventEnvelope event) {
        EventEnvelope result = event;
        for (Interceptor interceptor : all) {
            result = run(interceptor, Interceptor.Direction.PUBLISH, result);
        }
        return result;
    }

    EventEnvelope delivery(EventEnvelope event) {
        EventEnvelope result = event;
        for (int i = all.size() - 1; i >= 0; i--) {
            result = run(all.get(i), Interceptor.Direction.DELIVERY, result);
            if (!result.id().equals(event.id())) {
                throw new EventsException(
                        ErrorCode.INTERCEPTOR_FAILED, "an interceptor changed the id of " + event + " on its delivery");
            }
        }
        return result;
    }

    private static EventEnvelope run(Interceptor interceptor, Interceptor.Direction direction, EventEnvelope event) {
        EventEnvelope result;
        TenantTopic address = event.address();
        try {
            result = interceptor.intercept(direction, event);
        } catch (EventsException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new EventsException(
                    ErrorCode.INTERCEPTOR_FAILED,
                    "an interceptor refused " + event + " with " + e.getClass().getName(),
                    e);
        }
        if (!result.address().equals(address)) {
            throw new EventsException(
                    ErrorCode.INTERCEPTOR_FAILED, "an interceptor moved " + event + " to " + result.address());
        }
        return result;
    }
}

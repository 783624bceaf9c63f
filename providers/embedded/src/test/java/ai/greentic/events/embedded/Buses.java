package ai.greentic.events.embedded;

import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.EventBusBuilder;
import java.nio.file.Path;

/** Buses for tests. */
final class Buses {
    private Buses() {}

    static EventBusBuilder on(Path directory) {
        return EventBus.builder().provider("local", "embedded", "*").stateDirectory(directory);
    }
}

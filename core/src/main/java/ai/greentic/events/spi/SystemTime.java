package ai.greentic.events.spi;

import java.time.Instant;
import java.util.concurrent.ThreadLocalRandom;

enum SystemTime implements Time {
    INSTANCE;

    @Override
    public Instant now() {
        return Instant.now();
    }

    @Override
    public long nanos() {
        return System.nanoTime();
    }

    @Override
    public long randomBits() {
        return ThreadLocalRandom.current().nextLong();
    }
}

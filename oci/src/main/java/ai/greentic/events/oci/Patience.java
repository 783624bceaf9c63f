package ai.greentic.events.oci;

import java.io.IOException;
import java.io.InputStream;
import java.net.SocketTimeoutException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** Reads from a stream that may stand still for ever, and closes it when nothing has come for a while. For one reader. */
final class Patience {
    private static final long SECONDS = Long.getLong("greentic.events.oci.patience.seconds", 30);

    private final InputStream in;
    private final ScheduledExecutorService watch = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread thread = new Thread(work, "oci-patience");
        thread.setDaemon(true);
        return thread;
    });
    private final AtomicLong count = new AtomicLong();
    private volatile boolean gaveUp;
    private long seen = -1;

    Patience(InputStream in) {
        this.in = in;
        var unused = watch.scheduleWithFixedDelay(this::look, SECONDS, SECONDS, TimeUnit.SECONDS);
    }

    private void look() {
        long now = count.get();
        if (now != seen) {
            seen = now;
            return;
        }
        gaveUp = true;
        try {
            in.close();
        } catch (IOException alreadyBroken) {
            gaveUp = true;
        }
    }

    int read(byte[] buffer) throws IOException {
        try {
            int read = in.read(buffer);
            count.incrementAndGet();
            if (gaveUp) {
                throw new SocketTimeoutException("nothing came for " + SECONDS + " s");
            }
            return read;
        } catch (IOException e) {
            throw gaveUp && !(e instanceof SocketTimeoutException)
                    ? new SocketTimeoutException("nothing came for " + SECONDS + " s")
                    : e;
        }
    }

    void end() {
        watch.shutdownNow();
    }
}

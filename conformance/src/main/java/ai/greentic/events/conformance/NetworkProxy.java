package ai.greentic.events.conformance;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A TCP proxy on the loopback interface that does what networks do on bad days: {@link #cut}, {@link #delay}, {@link #stall} (a half-open
 * connection: nothing arrives, and nobody says so), {@link #slow}, {@link #reset}. {@link #heal} ends all of it. What happens holds for
 * connections that are there and for new ones. Thread-safe.
 */
public final class NetworkProxy implements AutoCloseable {
    private final InetSocketAddress server;
    private final ServerSocket listener;
    private final Set<Link> links = ConcurrentHashMap.newKeySet();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    // Guarded by the lock.
    private boolean cut;
    private boolean stalled;
    private Duration delay = Duration.ZERO;
    private int bytesPerSecond;
    private long resetAfter = -1;
    private boolean closed;

    /** A connection of a client, and the one to the server. */
    private final class Link {
        private final Socket client;
        private final Socket upstream;

        Link(Socket client, Socket upstream) {
            this.client = client;
            this.upstream = upstream;
        }

        void begin() {
            start("kit-proxy-up", () -> copy(client, upstream));
            start("kit-proxy-down", () -> copy(upstream, client));
        }

        private void copy(Socket from, Socket to) {
            byte[] buffer = new byte[16 << 10];
            try {
                InputStream in = from.getInputStream();
                OutputStream out = to.getOutputStream();
                for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                    pass(buffer, read, out);
                }
            } catch (IOException | InterruptedException e) {
                // One side has gone, or the proxy has cut it; the other side hears of it below.
            } finally {
                end(false);
            }
        }

        private void pass(byte[] buffer, int count, OutputStream out) throws IOException, InterruptedException {
            int at = 0;
            while (at < count) {
                int most = allowed(count - at);
                if (most < 0) {
                    end(true);
                    throw new IOException("reset in the middle of a frame");
                }
                out.write(buffer, at, most);
                out.flush();
                at += most;
            }
        }

        /** Ends both connections, on a reset without a farewell. */
        void end(boolean abruptly) {
            links.remove(this);
            for (Socket socket : new Socket[] {client, upstream}) {
                try {
                    if (abruptly) {
                        socket.setSoLinger(true, 0);
                    }
                    socket.close();
                } catch (IOException e) {
                    // It is gone already.
                }
            }
        }
    }

    /** Listens on a free port of the loopback interface. */
    public NetworkProxy(InetSocketAddress server) throws IOException {
        this.server = server;
        this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        start("kit-proxy", this::accept);
    }

    private static void start(String name, Runnable body) {
        Thread thread = new Thread(body, name);
        thread.setDaemon(true);
        thread.start();
    }

    /** Where clients connect. */
    public InetSocketAddress address() {
        return new InetSocketAddress(listener.getInetAddress(), listener.getLocalPort());
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                if (isCut()) {
                    client.setSoLinger(true, 0);
                    client.close();
                    continue;
                }
                Socket upstream = new Socket();
                try {
                    upstream.connect(server, 5_000);
                } catch (IOException e) {
                    upstream.close();
                    client.close();
                    continue;
                }
                client.setTcpNoDelay(true);
                upstream.setTcpNoDelay(true);
                Link link = new Link(client, upstream);
                links.add(link);
                link.begin();
                if (isCut()) {
                    link.end(true);
                }
            } catch (IOException e) {
                // A client that went away again, or the end, which the loop's condition sees.
            }
        }
    }

    private boolean isCut() {
        lock.lock();
        try {
            return cut || closed;
        } finally {
            lock.unlock();
        }
    }

    /** Waits as long as the network holds bytes up; returns how many may pass now, or -1 for a reset. */
    private int allowed(int wanted) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            while (stalled && !closed && !cut) {
                changed.await();
            }
            if (!delay.isZero()) {
                pause(delay.toNanos());
            }
            int most = wanted;
            if (bytesPerSecond > 0) {
                most = Math.min(wanted, Math.max(1, bytesPerSecond / 20));
                pause(most * 1_000_000_000L / bytesPerSecond);
            }
            if (resetAfter >= 0) {
                most = (int) Math.min(most, resetAfter);
                resetAfter -= most;
                if (most == 0) {
                    resetAfter = -1;
                    return -1;
                }
            }
            return closed || cut ? -1 : most;
        } finally {
            lock.unlock();
        }
    }

    private void pause(long nanos) throws InterruptedException {
        for (long left = nanos; left > 0 && !closed && !cut; ) {
            left = changed.awaitNanos(left);
        }
    }

    /** Ends every connection and accepts none until {@link #heal}. */
    public void cut() {
        change(() -> cut = true);
        links.forEach(link -> link.end(true));
    }

    /** Holds every byte up in both directions, and lets nobody know. */
    public void stall() {
        change(() -> stalled = true);
    }

    /** Every piece that passes takes so much longer. */
    public void delay(Duration time) {
        change(() -> delay = time);
    }

    /** Passes no more than so many bytes a second, each direction of each connection. */
    public void slow(int bytes) {
        if (bytes < 1) {
            throw new IllegalArgumentException("bytes is " + bytes + "; it must be at least 1");
        }
        change(() -> bytesPerSecond = bytes);
    }

    /** Resets the connection on which so many more bytes have passed, in the middle of whatever they belong to. */
    public void reset(long afterBytes) {
        change(() -> resetAfter = afterBytes);
    }

    /** All is well again; connections that were ended stay so. */
    public void heal() {
        change(() -> {
            cut = false;
            stalled = false;
            delay = Duration.ZERO;
            bytesPerSecond = 0;
            resetAfter = -1;
        });
    }

    private void change(Runnable what) {
        lock.lock();
        try {
            what.run();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Ends every connection and stops listening. */
    @Override
    public void close() throws IOException {
        change(() -> closed = true);
        listener.close();
        links.forEach(link -> link.end(true));
    }
}

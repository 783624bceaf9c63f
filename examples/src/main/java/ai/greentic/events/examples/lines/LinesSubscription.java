package ai.greentic.events.examples.lines;

import ai.greentic.events.AllTenants;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.spi.InboundDelivery;
import ai.greentic.events.spi.Polled;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.SettleOutcome;
import ai.greentic.events.spi.Settled;
import ai.greentic.events.spi.Shard;
import ai.greentic.events.spi.SubscribeRequest;
import ai.greentic.events.spi.SubscribeRequest.Filter;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads on in its files whenever it is polled. What was handed over and came back is handed over again first. */
final class LinesSubscription implements ProviderSubscription {
    private static final int BLOCK = 64 << 10;

    private final LinesProvider provider;
    private final SubscribeRequest request;
    /** How far each file was read; one that is not here yet is read from its beginning. */
    private final Map<Path, Long> read = new LinkedHashMap<>();

    private final Set<InboundDelivery> held = Collections.newSetFromMap(new IdentityHashMap<>());
    private final ArrayDeque<InboundDelivery> again = new ArrayDeque<>();
    private volatile boolean closed;

    LinesSubscription(LinesProvider provider, SubscribeRequest request) {
        this.provider = provider;
        this.request = request;
        try {
            if (!(request.start() instanceof StartAt.Earliest)) {
                for (Path file : files()) {
                    read.put(file, Files.size(file));
                }
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
    }

    private EventsException unreadable(IOException e) {
        return new EventsException(
                ErrorCode.PROVIDER_UNAVAILABLE,
                "files of provider " + provider.name() + " cannot be read (" + e + ")",
                e);
    }

    private List<Path> files() throws IOException {
        List<Path> files = new ArrayList<>();
        for (Filter filter : request.filters()) {
            if (filter.scope() instanceof AllTenants all) {
                files.addAll(provider.files(all.env()));
            } else {
                Path file = provider.file(new TenantTopic(
                        ((TenantContext) filter.scope()).tenant(),
                        new Topic(filter.pattern().value())));
                if (Files.exists(file)) {
                    files.add(file);
                }
            }
        }
        return files;
    }

    @Override
    public Polled poll(int maxDeliveries, Duration maxWait) throws InterruptedException {
        List<InboundDelivery> taken = take(maxDeliveries);
        if (taken.isEmpty() && maxDeliveries > 0 && !maxWait.isZero()) {
            request.ready().await(maxWait);
            taken = take(maxDeliveries);
        }
        // Nobody tells when another process appends, so this is polled again and again.
        return Polled.of(taken, false);
    }

    private synchronized List<InboundDelivery> take(int max) {
        if (closed) {
            throw provider.closed();
        }
        List<InboundDelivery> taken = new ArrayList<>();
        while (taken.size() < max && !again.isEmpty()) {
            taken.add(again.removeFirst());
        }
        try {
            for (Path file : files()) {
                if (taken.size() < max) {
                    readOn(file, max, taken);
                }
            }
        } catch (IOException e) {
            throw unreadable(e);
        }
        held.addAll(taken);
        return taken;
    }

    private void readOn(Path file, int max, List<InboundDelivery> taken) throws IOException {
        long from = read.getOrDefault(file, 0L);
        try (RandomAccessFile lines = new RandomAccessFile(file.toFile(), "r")) {
            if (lines.length() <= from) {
                return;
            }
            TenantTopic address = LinesProvider.address(
                    new String(lines.readLine().getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8));
            if (request.filters().stream()
                    .noneMatch(filter -> filter.scope().includes(address.tenant())
                            && filter.pattern().matches(address.topic()))) {
                return;
            }
            long at = Math.max(from, lines.getFilePointer());
            for (byte[] line = line(lines, at); line != null && taken.size() < max; line = line(lines, at)) {
                taken.add(new InboundDelivery(
                        address, line, new Position(provider.name(), Long.toString(at)), Shard.NONE, 0));
                at += line.length + 1;
                read.put(file, at);
            }
        }
    }

    /** The whole line that begins here, or null if it is not there yet. */
    private static byte @Nullable [] line(RandomAccessFile lines, long at) throws IOException {
        for (int size = BLOCK; ; size *= 2) {
            byte[] block = new byte[(int) Math.min(size, lines.length() - at)];
            lines.seek(at);
            lines.readFully(block);
            for (int i = 0; i < block.length; i++) {
                if (block[i] == '\n') {
                    return java.util.Arrays.copyOf(block, i);
                }
            }
            if (block.length < size) {
                return null;
            }
        }
    }

    @Override
    public synchronized List<SettleOutcome> settle(List<Settled> settled) {
        List<SettleOutcome> outcomes = new ArrayList<>(settled.size());
        for (Settled one : settled) {
            boolean mine = !closed && held.remove(one.delivery());
            if (mine && one.settlement() == Settled.Settlement.REDELIVER) {
                again.addLast(one.delivery());
            }
            outcomes.add(mine ? SettleOutcome.SETTLED : SettleOutcome.LOST);
        }
        return outcomes;
    }

    /** A hold does not end by time. */
    @Override
    public synchronized List<SettleOutcome> extend(List<InboundDelivery> deliveries, Duration by) {
        return deliveries.stream()
                .map(delivery -> held.contains(delivery) ? SettleOutcome.SETTLED : SettleOutcome.LOST)
                .toList();
    }

    @Override
    public Duration lease() {
        return Duration.ZERO;
    }

    /** There is one shard, and the engine stops polling where it cannot take more. */
    @Override
    public void pause(Set<Shard> shards) {}

    @Override
    public void released(Shard shard) {}

    @Override
    public void close() {
        closed = true;
        request.ready().raise();
        provider.left(this);
    }
}

package ai.greentic.events.examples.lines;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SubscribeRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * Files in a directory: {@code <environment>/<hash of tenant and topic>.lines}. The first line names tenant and topic, since the transport
 * and not the envelope says whose an event is. Names from outside are hashed, never used as paths.
 */
final class LinesProvider implements EventProvider {
    /** A process's file locks keep other processes out, not its own threads. */
    private static final Object TURN = new Object();

    private final String name;
    private final Path directory;
    private final Set<LinesSubscription> subscriptions = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    LinesProvider(String name, Path directory) {
        this.name = name;
        this.directory = directory;
    }

    String name() {
        return name;
    }

    /** Where the events of an address are. */
    Path file(TenantTopic address) {
        return environment(address.tenant().env())
                .resolve(hash(address.tenant().name() + "\n" + address.topic().value()) + ".lines");
    }

    private Path environment(String env) {
        return directory.resolve(hash(env));
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** The files of a topic in an environment, whichever tenant's. */
    List<Path> files(String env) throws IOException {
        Path place = environment(env);
        if (!Files.isDirectory(place)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(place)) {
            return files.sorted().toList();
        }
    }

    /** The first line of a file. */
    static byte[] header(TenantTopic address) {
        return (address.tenant().env() + "\t" + address.tenant().name() + "\t"
                        + address.topic().value() + "\n")
                .getBytes(StandardCharsets.UTF_8);
    }

    static TenantTopic address(String header) {
        String[] parts = header.split("\t", 3);
        return new TenantTopic(new Tenant(parts[0], parts[1]), new Topic(parts[2]));
    }

    @Override
    public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) {
        List<CompletionStage<PublishOutcome>> outcomes = new ArrayList<>(batch.size());
        for (OutboundEvent event : batch) {
            outcomes.add(CompletableFuture.completedFuture(append(event)));
        }
        return outcomes;
    }

    private PublishOutcome append(OutboundEvent event) {
        if (closed) {
            return PublishOutcome.failed(closed());
        }
        Path file = file(event.address());
        try {
            synchronized (TURN) {
                Files.createDirectories(file.getParent());
                try (FileChannel channel = FileChannel.open(
                        file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                    // Released with the channel.
                    FileLock unused = channel.lock();
                    long end = endOfLastLine(channel);
                    if (end == 0) {
                        end = write(channel, header(event.address()), 0);
                    }
                    byte[] encoded = event.encoded();
                    byte[] line = new byte[encoded.length + 1];
                    System.arraycopy(encoded, 0, line, 0, encoded.length);
                    line[encoded.length] = '\n';
                    write(channel, line, end);
                    return PublishOutcome.accepted(new Position(name, Long.toString(end)));
                }
            }
        } catch (IOException e) {
            return PublishOutcome.failed(new EventsException(
                    ErrorCode.PROVIDER_UNAVAILABLE, "file " + file + " cannot be written (" + e + ")", e));
        }
    }

    /** A process that died while it wrote may have left half a line: it had no receipt, and is written over. */
    private static long endOfLastLine(FileChannel channel) throws IOException {
        ByteBuffer one = ByteBuffer.allocate(1);
        for (long end = channel.size(); end > 0; end--) {
            one.clear();
            if (channel.read(one, end - 1) == 1 && one.get(0) == '\n') {
                return end;
            }
        }
        return 0;
    }

    private static long write(FileChannel channel, byte[] bytes, long at) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        long position = at;
        while (buffer.hasRemaining()) {
            position += channel.write(buffer, position);
        }
        return position;
    }

    @Override
    public ProviderSubscription subscribe(SubscribeRequest request) {
        if (closed) {
            throw closed();
        }
        LinesSubscription subscription = new LinesSubscription(this, request);
        subscriptions.add(subscription);
        return subscription;
    }

    void left(LinesSubscription subscription) {
        subscriptions.remove(subscription);
    }

    EventsException closed() {
        return new EventsException(ErrorCode.CLOSED, "provider " + name + " or its subscription is closed");
    }

    @Override
    public void close() {
        closed = true;
        subscriptions.forEach(LinesSubscription::close);
    }
}

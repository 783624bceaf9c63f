package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.EventProvider;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.ProviderSubscription;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.SubscribeRequest;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;

/**
 * A process that a crash test starts and kills: {@code Worker
 * publish|consume|both|stand|take-over|redrive|forward|forward-up DIRECTORY FIRST SEED}. Says on standard
 * output, one line each, what it is about to do and what has come of it: {@code try KEY N}, {@code accepted KEY N}, {@code got KEY N},
 * {@code settled KEY N}, some of them with the time.
 */
final class Worker {
    static final TenantContext TENANT = TenantContext.of("test", "acme");
    static final int KEYS = 16;
    private static final int IN_FLIGHT = 32;

    private static final PrintStream OUT =
            new PrintStream(new java.io.FileOutputStream(java.io.FileDescriptor.out), false);

    private Worker() {}

    static synchronized void say(String line) {
        OUT.print(line + "\n");
        if (OUT.checkError()) {
            // Nobody listens any more: the test has ended without ending this process.
            Runtime.getRuntime().halt(3);
        }
    }

    /** Says when it was, too: of two processes' lines, nobody knows which is read first. The clock is the machine's. */
    static void sayNow(String line) {
        say(line + " @" + System.nanoTime());
    }

    public static void main(String[] args) throws Exception {
        Path directory = Path.of(args[1]);
        EventBus bus = args[0].startsWith("forward")
                ? forwarding(directory, args[0].equals("forward-up"))
                : Buses.on(directory)
                        .storeSettings(
                                args[0].equals("take-over") ? java.util.Map.of("patience", "1s") : java.util.Map.of())
                        .build();
        CountDownLatch hold = new CountDownLatch(args[0].equals("stand") ? 1 : 0);
        say("ready");
        switch (args[0]) {
            case "stand" -> {
                consume(bus, hold);
                int unused = System.in.read();
                hold.countDown();
                say("resumed");
            }
            case "publish" -> publish(bus, Long.parseLong(args[2]), Long.parseLong(args[3]));
            case "consume", "take-over" -> consume(bus, hold);
            case "both" -> {
                consume(bus, hold);
                publish(bus, Long.parseLong(args[2]), Long.parseLong(args[3]));
            }
            case "forward" -> queue(bus, Integer.parseInt(args[2]));
            case "forward-up" -> {}
            case "redrive" -> {
                var report = bus.deadLetters(TENANT)
                        .redrive(DeadLetterFilter.ALL, ai.greentic.events.bus.RedriveOptions.STANDARD.rate(1_000_000));
                say("redriven " + report.redriven() + " " + report.resolved() + " " + report.refused());
                bus.close();
                System.exit(0);
            }
            default -> throw new IllegalArgumentException(args[0]);
        }
        int unused = System.in.read();
        bus.close();
        say("closed");
    }

    /** A bus whose provider is away, or says what it gets. */
    private static EventBus forwarding(Path directory, boolean up) {
        EventProvider remote = new EventProvider() {
            @Override
            public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) {
                if (!up) {
                    throw new EventsException(ErrorCode.PROVIDER_UNAVAILABLE, "nobody is there");
                }
                return batch.stream()
                        .<CompletionStage<PublishOutcome>>map(event -> {
                            say("got " + event.event().payload().json().replace("\"", ""));
                            return CompletableFuture.completedFuture(PublishOutcome.accepted());
                        })
                        .toList();
            }

            @Override
            public ProviderSubscription subscribe(SubscribeRequest request) {
                throw new UnsupportedOperationException("nothing comes from here");
            }

            @Override
            public void close() {}
        };
        return EventBus.builder()
                .provider("remote", remote, EnumSet.of(Capability.PUBLISH), "*")
                .override("remote", ProviderOverrides.NONE.forward(true).maxRetries(0))
                .stateDirectory(directory)
                .build();
    }

    private static void queue(EventBus bus, int count) throws InterruptedException {
        Semaphore room = new Semaphore(IN_FLIGHT);
        for (int i = 0; i < count; i++) {
            String what = "k" + i % KEYS + " " + i;
            room.acquire();
            EventEnvelope event = bus.newEvent(TENANT, "away.x")
                    .orderingKey("k" + i % KEYS)
                    .payload(Payload.of(what))
                    .build();
            var unused = bus.publishAsync(event).whenComplete((receipt, failure) -> {
                say((failure != null
                                ? "failed "
                                : receipt.status() == PublishReceipt.Status.QUEUED ? "accepted " : "published ")
                        + what);
                room.release();
            });
        }
        room.acquire(IN_FLIGHT);
        say("queued");
    }

    private static void publish(EventBus bus, long first, long seed) throws InterruptedException {
        Random random = new Random(seed);
        Semaphore room = new Semaphore(IN_FLIGHT);
        long number = first;
        while (!stopAsked()) {
            String key = "k" + random.nextInt(KEYS);
            long mine = number++;
            room.acquire();
            say("try " + key + " " + mine);
            EventEnvelope event = bus.newEvent(TENANT, "crash." + key.length())
                    .orderingKey(key)
                    .payload(Payload.of(key + " " + mine))
                    .build();
            var unused = bus.publishAsync(event).whenComplete((receipt, failure) -> {
                say((failure == null ? "accepted " : "failed ") + key + " " + mine);
                room.release();
            });
        }
        room.acquire(IN_FLIGHT);
    }

    private static boolean stopAsked() {
        try {
            return System.in.available() > 0;
        } catch (java.io.IOException e) {
            return true;
        }
    }

    /** @param hold what every handler waits for */
    private static void consume(EventBus bus, CountDownLatch hold) {
        var unused = bus.subscribe(
                TENANT,
                "crash.*",
                SubscribeOptions.group("g").startAt(StartAt.EARLIEST).concurrency(KEYS),
                delivery -> {
                    String what = delivery.payload(String.class);
                    sayNow("got " + what);
                    hold.await();
                    var unusedToo = delivery.settled().whenComplete((nothing, failure) -> {
                        if (failure == null) {
                            sayNow("settled " + what);
                        }
                    });
                });
    }
}

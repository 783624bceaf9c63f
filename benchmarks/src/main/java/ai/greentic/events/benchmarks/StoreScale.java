package ai.greentic.events.benchmarks;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.Payload;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.embedded.EmbeddedStore;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.Time;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/** A large store: {@code StoreScale DIRECTORY [EVENTS [LETTERS]]}; the directory is made and left for a look. */
final class StoreScale {
    private static final TenantContext TENANT = TenantContext.of("bench", "acme");
    private static final int TOPICS = 1000;
    private static final int IN_FLIGHT = 1024;

    private StoreScale() {}

    public static void main(String[] args) throws Exception {
        Path directory = Path.of(args[0]);
        int events = args.length > 1 ? Integer.parseInt(args[1]) : 10_000_000;
        int letters = args.length > 2 ? Integer.parseInt(args[2]) : 1_000_000;
        publish(directory, events);
        read(directory, events);
        park(directory, letters);
        list(directory);
    }

    private static void say(String what, long began, double per) {
        double millis = (System.nanoTime() - began) / 1e6;
        System.out.printf(
                Locale.ROOT,
                "%-60s %10.1f ms%s%n",
                what,
                millis,
                per > 0 ? String.format(Locale.ROOT, "  %.0f/s", per / millis * 1000) : "");
    }

    private static EventBus bus(Path directory) {
        return EventBus.builder()
                .provider("local", "embedded", "*")
                .stateDirectory(directory)
                .storeSettings(Map.of("max_bytes", 1L << 40, "max_bytes_of_tenant", 1L << 40, "keep_bytes", 1L << 40))
                .publishQueue(8192)
                .build();
    }

    private static void publish(Path directory, int events) throws Exception {
        Payload payload = Payload.json("\"" + "x".repeat(510) + "\"");
        try (EventBus bus = bus(directory)) {
            long began = System.nanoTime();
            Semaphore room = new Semaphore(IN_FLIGHT);
            for (int i = 0; i < events; i++) {
                room.acquire();
                var unused = bus.publishAsync(bus.newEvent(TENANT, "orders.t" + i % TOPICS)
                                .payload(payload)
                                .build())
                        .whenComplete((receipt, failure) -> {
                            if (failure != null) {
                                failure.printStackTrace();
                            }
                            room.release();
                        });
            }
            room.acquire(IN_FLIGHT);
            say(events + " events on " + TOPICS + " topics", began, events);
        }
        System.out.println("bytes of disk for an event: " + Files.size(directory.resolve("events.db")) / events);
    }

    private static void read(Path directory, int events) throws Exception {
        long began = System.nanoTime();
        try (EventBus bus = bus(directory)) {
            say("open the store", began, 0);
            began = System.nanoTime();
            int count = events / TOPICS;
            try (var one =
                    bus.pull(TENANT, "orders.t7", SubscribeOptions.ephemeral().startAt(StartAt.EARLIEST))) {
                one.next(Duration.ofSeconds(60)).orElseThrow().ack();
                say("first event of one topic, from the beginning", began, 0);
                for (int i = 1; i < count; i++) {
                    one.next(Duration.ofSeconds(60)).orElseThrow().ack();
                }
                say("all " + count + " events of one topic", began, count);
            }
            began = System.nanoTime();
            int all = Math.min(events, 1_000_000);
            try (var every = bus.pull(
                    TENANT,
                    "orders.*",
                    SubscribeOptions.ephemeral().maxInFlight(4096).startAt(StartAt.EARLIEST))) {
                for (int i = 0; i < all; ) {
                    for (var delivery : every.next(256, Duration.ofSeconds(60))) {
                        delivery.ack();
                        i++;
                    }
                }
            }
            say("replay of " + all + " events", began, all);
        }
        try (EmbeddedStore store = EmbeddedStore.open(directory, Time.system())) {
            began = System.nanoTime();
            int topics = store.topics(TENANT.tenant()).size();
            say("list " + topics + " topics", began, 0);
        }
    }

    private static void park(Path directory, int letters) throws Exception {
        try (EmbeddedStore store = EmbeddedStore.open(directory, Time.system())) {
            DeadLetterStore shelf = store.deadLetters();
            AtomicInteger next = new AtomicInteger();
            long began = System.nanoTime();
            List<Thread> threads = new ArrayList<>();
            for (int t = 0; t < 128; t++) {
                Thread thread = new Thread(() -> {
                    for (int i = next.getAndIncrement(); i < letters; i = next.getAndIncrement()) {
                        shelf.put(letter(i));
                    }
                });
                threads.add(thread);
                thread.start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            say(letters + " dead letters of 300 bytes", began, letters);
        }
    }

    private static DeadLetter letter(int number) {
        return DeadLetter.builder(
                        new DeadLetterId(String.format(Locale.ROOT, "dl-%09d", number)),
                        new TenantTopic(TENANT.tenant(), new Topic("orders.t" + number % TOPICS)),
                        new byte[300],
                        "local",
                        Instant.ofEpochSecond(1_700_000_000L + number))
                .subscription("g" + number % 3, true)
                .cause(number % 5 == 0 ? ErrorCode.PROVIDER_UNAVAILABLE : ErrorCode.HANDLER_FAILED, "it failed")
                .build();
    }

    private static void list(Path directory) {
        try (EmbeddedStore store = EmbeddedStore.open(directory, Time.system())) {
            DeadLetterStore shelf = store.deadLetters();
            for (int round = 0; round < 3; round++) {
                long began = System.nanoTime();
                shelf.list(TENANT.tenant(), DeadLetterFilter.ALL, null, 100);
                say("list 100 dead letters", began, 0);
                began = System.nanoTime();
                shelf.list(TENANT.tenant(), DeadLetterFilter.ALL.topics(TopicPattern.of("*.t77")), null, 100);
                say("list 100 dead letters of a topic", began, 0);
                began = System.nanoTime();
                shelf.list(
                        TENANT.tenant(), DeadLetterFilter.ALL.from(Instant.ofEpochSecond(1_700_990_000L)), null, 100);
                say("list 100 dead letters parked lately", began, 0);
                began = System.nanoTime();
                int groups = shelf.groups(TENANT.tenant(), DeadLetterFilter.ALL).size();
                say("group all dead letters into " + groups, began, 0);
            }
        }
    }
}

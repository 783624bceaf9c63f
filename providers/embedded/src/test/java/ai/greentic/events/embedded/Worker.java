package ai.greentic.events.embedded;

import ai.greentic.events.EventEnvelope;
import ai.greentic.events.Payload;
import ai.greentic.events.StartAt;
import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.spi.DeadLetterFilter;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.Semaphore;

/**
 * A process that a crash test starts and kills: {@code Worker publish|consume|both|redrive DIRECTORY FIRST SEED}. Says on standard
 * output, one line each, what it is about to do and what has come of it: {@code try KEY N}, {@code accepted KEY N}, {@code got KEY N},
 * {@code settled KEY N}.
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
        OUT.flush();
    }

    public static void main(String[] args) throws Exception {
        Path directory = Path.of(args[1]);
        EventBus bus = Buses.on(directory).build();
        say("ready");
        switch (args[0]) {
            case "publish" -> publish(bus, Long.parseLong(args[2]), Long.parseLong(args[3]));
            case "consume" -> consume(bus);
            case "both" -> {
                consume(bus);
                publish(bus, Long.parseLong(args[2]), Long.parseLong(args[3]));
            }
            case "redrive" -> {
                var report = bus.deadLetters(TENANT)
                        .redrive(DeadLetterFilter.ALL, ai.greentic.events.bus.RedriveOptions.STANDARD.rate(1_000_000));
                say("redriven " + report.redriven() + " " + report.resolved() + " " + report.refused());
                bus.close();
                System.exit(0);
            }
            default -> throw new IllegalArgumentException(args[0]);
        }
        if (System.in.read() < 0 || true) {
            bus.close();
            say("closed");
        }
    }

    private static void publish(EventBus bus, long first, long seed) throws InterruptedException {
        Random random = new Random(seed);
        Semaphore room = new Semaphore(IN_FLIGHT);
        long number = first;
        while (System.getProperty("stop") == null && !stopAsked()) {
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

    private static void consume(EventBus bus) {
        var unused =
                bus.subscribe(TENANT, "crash.*", SubscribeOptions.group("g").startAt(StartAt.EARLIEST), delivery -> {
                    String what = delivery.payload(String.class);
                    say("got " + what);
                    var done = delivery.settled().whenComplete((nothing, failure) -> {
                        if (failure == null) {
                            say("settled " + what);
                        }
                    });
                });
    }
}

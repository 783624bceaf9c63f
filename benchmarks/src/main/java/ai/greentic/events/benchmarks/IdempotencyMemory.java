package ai.greentic.events.benchmarks;

import ai.greentic.events.EventId;
import ai.greentic.events.Position;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.memory.MemoryIdempotencyStore;
import ai.greentic.events.spi.IdempotencyKey;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.Time;

/** Heap that a million completed idempotency keys of four tenants take: {@code java -cp … IdempotencyMemory}. */
final class IdempotencyMemory {
    private static final int KEYS = 1_000_000;

    private IdempotencyMemory() {}

    public static void main(String[] args) throws InterruptedException {
        long before = used();
        MemoryIdempotencyStore store = new MemoryIdempotencyStore(Time.system());
        long begun = System.nanoTime();
        for (int i = 0; i < KEYS; i++) {
            complete(store, i);
        }
        long nanos = System.nanoTime() - begun;
        long after = used();
        System.out.println(store.size() + " keys: " + (after - before) / 1_000_000 + " MB, " + nanos / KEYS
                + " ns to claim and complete one");
    }

    private static void complete(IdempotencyStore store, int number) {
        EventId id = new EventId("evt-" + Long.toString(7_000_000_000_000L + number, 36) + "abc");
        TenantTopic address = new TenantTopic(new Tenant("prod", "t" + number % 4), new Topic("orders.created"));
        store.complete(
                store.claim(new IdempotencyKey(IdempotencyKey.Use.PUBLISH, address, "order-" + number), id, number),
                PublishReceipt.published(id, "broker", 1, true, new Position("broker", Integer.toString(number))));
    }

    private static long used() throws InterruptedException {
        Runtime runtime = Runtime.getRuntime();
        for (int i = 0; i < 5; i++) {
            System.gc();
            Thread.sleep(100);
        }
        return runtime.totalMemory() - runtime.freeMemory();
    }
}

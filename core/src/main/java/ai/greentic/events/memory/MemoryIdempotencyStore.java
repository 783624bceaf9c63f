package ai.greentic.events.memory;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.Tenant;
import ai.greentic.events.spi.Claim;
import ai.greentic.events.spi.IdempotencyKey;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.StoreScope;
import ai.greentic.events.spi.Time;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Idempotency keys in memory, for a window of time, bounded in all and for each tenant; a full window refuses and never forgets a live
 * key. A million completed keys take about 64 MB. Thread-safe; no method waits.
 */
public final class MemoryIdempotencyStore implements IdempotencyStore {
    /** As long as the messaging side remembers: 36 hours. */
    public static final Duration DEFAULT_WINDOW = Duration.ofHours(36);

    private static final long NANOS_PER_TICK = 100_000_000;
    private static final int DROPS_A_CALL = 256;
    private static final int MOST_POSITION = 8192;

    private final Time time;
    private final long origin;
    private final int windowTicks;
    private final int maxKeys;
    private final int maxKeysOfTenant;

    /** Claimed and not concluded. */
    private final Map<IdempotencyKey, Open> inFlight = new HashMap<>();
    /** Concluded without knowing the outcome, the oldest first. */
    private final Map<IdempotencyKey, Open> inDoubt = new LinkedHashMap<>();

    private final CompletedLog completed = new CompletedLog();
    private final Origins origins = new Origins();
    private final Map<Tenant, int[]> keysOfTenant = new HashMap<>();
    private final MessageDigest sha256;

    /** A held claim with its key's digest, so that it is not computed twice. */
    private static final class Held extends Claim {
        final Digest digest;

        Held(IdempotencyKey key, State state, EventId event, Digest digest) {
            super(key, state, event, null);
            this.digest = digest;
        }
    }

    private record Open(EventId event, long payloadHash, int expiry) {}

    /** The engine's own standard: 36 hours, a million keys, a quarter of them for each tenant. */
    public MemoryIdempotencyStore(Time time) {
        this(time, DEFAULT_WINDOW, 1_000_000, 250_000);
    }

    /**
     * @param window how long a key is remembered after it was claimed or completed; 1 s to 1 year
     * @param maxKeys keys of all tenants
     * @param maxKeysOfTenant keys of one tenant
     */
    public MemoryIdempotencyStore(Time time, Duration window, int maxKeys, int maxKeysOfTenant) {
        if (window.compareTo(Duration.ofSeconds(1)) < 0 || window.compareTo(Duration.ofDays(366)) > 0) {
            throw new IllegalArgumentException("window is " + window + "; it must be between 1 s and 1 year");
        }
        if (maxKeys < 1 || maxKeysOfTenant < 1) {
            throw new IllegalArgumentException("a window needs room for at least one key");
        }
        this.time = time;
        this.origin = time.nanos();
        this.windowTicks = (int) (window.toNanos() / NANOS_PER_TICK);
        this.maxKeys = maxKeys;
        this.maxKeysOfTenant = maxKeysOfTenant;
        try {
            this.sha256 = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    @Override
    public synchronized Claim claim(IdempotencyKey key, EventId event, long payloadHash) {
        int now = now();
        dropExpired(now);
        Open open = inFlight.get(key);
        if (open != null) {
            return answer(key, open, payloadHash, Claim.State.IN_FLIGHT);
        }
        open = inDoubt.get(key);
        if (open != null) {
            Claim claim = answer(key, open, payloadHash, Claim.State.IN_DOUBT);
            if (claim.isHeld()) {
                inDoubt.remove(key);
                inFlight.put(key, new Open(open.event, payloadHash, now + windowTicks));
            }
            return claim;
        }
        Digest digest = digest(key);
        CompletedLog.Found found = completed.find(digest.k0, digest.k1);
        if (found != null) {
            return found.payloadHash() == payloadHash
                    ? new Claim(key, Claim.State.COMPLETED, new EventId(found.eventId()), receipt(found))
                    : new Claim(key, Claim.State.REUSED, new EventId(found.eventId()), null);
        }
        Tenant tenant = key.address().tenant();
        int[] count = keysOfTenant.computeIfAbsent(tenant, any -> new int[1]);
        int all = inFlight.size() + inDoubt.size() + completed.size();
        if (all >= maxKeys || count[0] >= maxKeysOfTenant) {
            forgetIfNone(tenant, count);
            throw new EventsException(
                    ErrorCode.IDEMPOTENCY_WINDOW_FULL,
                    (all >= maxKeys ? "the window holds " + all : "tenant " + tenant + " has " + count[0])
                            + " live idempotency keys; publish slower, or give the bus a larger or shorter window");
        }
        count[0]++;
        inFlight.put(key, new Open(event, payloadHash, now + windowTicks));
        return new Held(key, Claim.State.FRESH, event, digest);
    }

    private static Claim answer(IdempotencyKey key, Open open, long payloadHash, Claim.State otherwise) {
        return new Claim(key, open.payloadHash == payloadHash ? otherwise : Claim.State.REUSED, open.event, null);
    }

    @Override
    public synchronized void complete(Claim held, PublishReceipt receipt) {
        Open open = inFlight.remove(held.key());
        if (open == null) {
            return;
        }
        Digest digest = held instanceof Held own ? own.digest : digest(held.key());
        Position position = receipt.position()
                .filter(place -> place.opaque().length() <= MOST_POSITION)
                .orElse(null);
        int from = origins.hold(new Origins.Origin(
                held.key().address().tenant(),
                receipt.provider(),
                position == null ? receipt.provider() : position.provider(),
                receipt.durable()));
        completed.add(
                digest.k0,
                digest.k1,
                now() + windowTicks,
                new CompletedLog.Found(
                        open.payloadHash,
                        from,
                        receipt.attempts(),
                        receipt.eventId().value(),
                        position == null ? null : position.opaque()));
    }

    private PublishReceipt receipt(CompletedLog.Found found) {
        Origins.Origin from = origins.get(found.origin());
        return PublishReceipt.published(
                new EventId(found.eventId()),
                from.provider(),
                found.attempts(),
                from.durable(),
                found.position() == null ? null : new Position(from.positionProvider(), found.position()));
    }

    @Override
    public synchronized void abandon(Claim held) {
        if (inFlight.remove(held.key()) != null) {
            release(held.key().address().tenant());
        }
    }

    @Override
    public synchronized void doubt(Claim held) {
        Open open = inFlight.remove(held.key());
        if (open != null) {
            inDoubt.put(held.key(), new Open(open.event, open.payloadHash, now() + windowTicks));
        }
    }

    private void dropExpired(int now) {
        for (int i = 0; i < DROPS_A_CALL; i++) {
            int from = completed.dropExpired(now);
            if (from < 0) {
                break;
            }
            release(origins.get(from).tenant());
            origins.release(from);
        }
        for (Iterator<Map.Entry<IdempotencyKey, Open>> i = inDoubt.entrySet().iterator(); i.hasNext(); ) {
            Map.Entry<IdempotencyKey, Open> oldest = i.next();
            if (oldest.getValue().expiry - now > 0) {
                break;
            }
            i.remove();
            release(oldest.getKey().address().tenant());
        }
    }

    private void release(Tenant tenant) {
        int[] count = keysOfTenant.get(tenant);
        if (count != null) {
            count[0]--;
            forgetIfNone(tenant, count);
        }
    }

    private void forgetIfNone(Tenant tenant, int[] count) {
        if (count[0] == 0) {
            keysOfTenant.remove(tenant);
        }
    }

    /** Keys that are remembered now, expired ones not yet dropped included. */
    public synchronized int size() {
        return inFlight.size() + inDoubt.size() + completed.size();
    }

    @Override
    public StoreScope scope() {
        return StoreScope.PROCESS;
    }

    private int now() {
        return (int) ((time.nanos() - origin) / NANOS_PER_TICK);
    }

    private record Digest(long k0, long k1) {}

    /** The first 128 bits of SHA-256 over all parts, each with its length before it. */
    private Digest digest(IdempotencyKey key) {
        add(key.use().name());
        add(key.address().tenant().env());
        add(key.address().tenant().name());
        add(key.address().topic().value());
        add(key.value());
        ByteBuffer bytes = ByteBuffer.wrap(sha256.digest());
        return new Digest(bytes.getLong(), bytes.getLong());
    }

    private void add(String part) {
        byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
        sha256.update((byte) (bytes.length >>> 8));
        sha256.update((byte) bytes.length);
        sha256.update(bytes);
    }

    /** Tenants and providers of receipts, each kept once. */
    private static final class Origins {
        record Origin(Tenant tenant, String provider, String positionProvider, boolean durable) {}

        private final Map<Origin, Integer> numbers = new HashMap<>();
        private final List<@Nullable Origin> byNumber = new ArrayList<>();
        private final List<int[]> users = new ArrayList<>();
        private final ArrayDeque<Integer> free = new ArrayDeque<>();

        int hold(Origin origin) {
            Integer known = numbers.get(origin);
            if (known == null) {
                if (free.isEmpty()) {
                    known = byNumber.size();
                    byNumber.add(origin);
                    users.add(new int[1]);
                } else {
                    known = free.removeLast();
                    byNumber.set(known, origin);
                }
                numbers.put(origin, known);
            }
            users.get(known)[0]++;
            return known;
        }

        Origin get(int number) {
            return java.util.Objects.requireNonNull(byNumber.get(number));
        }

        void release(int number) {
            if (--users.get(number)[0] == 0) {
                numbers.remove(get(number));
                byNumber.set(number, null);
                free.add(number);
            }
        }
    }
}

package ai.greentic.events.embedded;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.Position;
import ai.greentic.events.PublishReceipt;
import ai.greentic.events.Tenant;
import ai.greentic.events.spi.Claim;
import ai.greentic.events.spi.IdempotencyKey;
import ai.greentic.events.spi.IdempotencyStore;
import ai.greentic.events.spi.OutboundEvent;
import ai.greentic.events.spi.PublishOutcome;
import ai.greentic.events.spi.StoreScope;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Idempotency keys on disk, by the first 128 bits of the SHA-256 of use, address and mark. An open claim names its process: when that is
 * dead, the claim is in doubt. Expired keys are found by going round the digests bit by bit.
 */
final class Claims implements IdempotencyStore {
    private static final int OPEN = 0;
    private static final int DOUBT = 1;
    private static final int DONE = 2;
    /** Parts in which the digests are gone round. */
    private static final int PARTS = 256;

    private final Committer committer;
    private final Processes processes;
    private final Addresses addresses;
    private final long windowMillis;
    private final long mostKeys;
    private final long mostKeysOfTenant;

    /** Keys of all tenants, counted anew now and then: other processes add some too. The writer's. */
    private long all;

    @SuppressWarnings("ArrayRecordComponent")
    private record Row(
            int state, int slot, long nonce, long expires, long hash, String event, byte @Nullable [] receipt) {}

    Claims(
            Committer committer,
            Processes processes,
            Addresses addresses,
            Duration window,
            long mostKeys,
            long mostKeysOfTenant) {
        this.committer = committer;
        this.processes = processes;
        this.addresses = addresses;
        this.windowMillis = window.toMillis();
        this.mostKeys = mostKeys;
        this.mostKeysOfTenant = mostKeysOfTenant;
    }

    @Override
    public Claim claim(IdempotencyKey key, EventId event, long payloadHash) {
        return committer.call(true, tx -> claim(tx, key, event, payloadHash));
    }

    private Claim claim(Transaction tx, IdempotencyKey key, EventId event, long payloadHash) throws SQLException {
        byte[] digest = digest(key);
        Row row = row(tx, digest);
        if (row == null) {
            add(tx, key, digest, OPEN, event, payloadHash, null);
            return new Claim(key, Claim.State.FRESH, event, null);
        }
        EventId first = new EventId(row.event);
        if (row.hash != payloadHash) {
            return new Claim(key, Claim.State.REUSED, first, null);
        }
        if (row.state == DONE) {
            return new Claim(key, Claim.State.COMPLETED, first, receipt(row));
        }
        if (row.state == OPEN && processes.isAlive(row.slot, row.nonce)) {
            return new Claim(key, Claim.State.IN_FLIGHT, first, null);
        }
        tx.session.update(
                "UPDATE claim SET state = ?, slot = ?, nonce = ?, expires = ? WHERE digest = ?",
                OPEN,
                processes.slot,
                processes.nonce,
                tx.clock + windowMillis,
                digest);
        return new Claim(key, Claim.State.IN_DOUBT, first, null);
    }

    /** The row of a live key. */
    private static @Nullable Row row(Transaction tx, byte[] digest) throws SQLException {
        Row row = tx.session.first(
                "SELECT state, slot, nonce, expires, hash, event, receipt FROM claim WHERE digest = ?",
                found -> new Row(
                        found.getInt(1),
                        found.getInt(2),
                        found.getLong(3),
                        found.getLong(4),
                        found.getLong(5),
                        found.getString(6),
                        found.getBytes(7)),
                digest);
        return row == null || row.expires <= tx.clock ? null : row;
    }

    private void add(
            Transaction tx,
            IdempotencyKey key,
            byte[] digest,
            int state,
            EventId event,
            long payloadHash,
            @Nullable PublishReceipt receipt)
            throws SQLException {
        Tenant owner = key.address().tenant();
        long tenant = addresses.tenant(tx, owner);
        Transaction.Usage usage = tx.usage(tenant);
        if (usage.keys >= mostKeysOfTenant) {
            throw full("tenant " + owner + " has " + usage.keys + " live idempotency keys", "max_keys_of_tenant");
        }
        if (all >= mostKeys) {
            throw full("the window holds " + all + " live idempotency keys", "max_keys");
        }
        int added = tx.session.update("DELETE FROM claim WHERE digest = ?", digest) > 0 ? 0 : 1;
        tx.session.update(
                "INSERT INTO claim VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                digest,
                tenant,
                state,
                processes.slot,
                processes.nonce,
                tx.clock + windowMillis,
                payloadHash,
                event.value(),
                receipt == null ? null : bytes(receipt));
        usage.keys += added;
        all += added;
        usage.changed = true;
    }

    private static EventsException full(String what, String setting) {
        return new EventsException(
                ErrorCode.IDEMPOTENCY_WINDOW_FULL,
                what + "; publish slower, or raise events.store." + setting
                        + " or shorten events.store.idempotency_window");
    }

    /** In the transaction that is to accept an event: what is known of its key, or null if it has the key now. */
    @Nullable
    PublishOutcome recall(Transaction tx, IdempotencyKey key, OutboundEvent event) throws SQLException {
        Row row = row(tx, digest(key));
        if (row == null) {
            return null;
        }
        if (row.hash != event.payloadHash()) {
            return PublishOutcome.failed(new EventsException(
                    ErrorCode.IDEMPOTENCY_KEY_REUSED,
                    event.event() + " was not accepted: its idempotency key belongs to event " + row.event
                            + ", whose payload is another one; use a key for one payload only"));
        }
        if (row.state == DONE) {
            return PublishOutcome.duplicate(receipt(row));
        }
        return PublishOutcome.failed(new EventsException(
                ErrorCode.IDEMPOTENCY_KEY_IN_FLIGHT,
                event.event() + " was not accepted: its idempotency key is claimed by an earlier publish of event "
                        + row.event + ", whose outcome is not known here"));
    }

    /** In the transaction that accepts an event: its key is done. */
    void conclude(Transaction tx, IdempotencyKey key, OutboundEvent event, PublishReceipt receipt) throws SQLException {
        add(tx, key, digest(key), DONE, event.event().id(), event.payloadHash(), receipt);
    }

    @Override
    public void complete(Claim held, PublishReceipt receipt) {
        committer.call(
                true,
                tx -> tx.session.update(
                        "UPDATE claim SET state = ?, receipt = ?, expires = ? WHERE digest = ? AND state = ?",
                        DONE,
                        bytes(receipt),
                        tx.clock + windowMillis,
                        digest(held.key()),
                        OPEN));
    }

    @Override
    public void abandon(Claim held) {
        committer.call(true, tx -> {
            byte[] digest = digest(held.key());
            int gone = tx.session.update("DELETE FROM claim WHERE digest = ? AND state = ?", digest, OPEN);
            if (gone > 0) {
                freed(tx, addresses.tenant(tx, held.key().address().tenant()), gone);
            }
            return gone;
        });
    }

    private static void freed(Transaction tx, long tenant, long count) throws SQLException {
        Transaction.Usage usage = tx.usage(tenant);
        usage.keys = Math.max(0, usage.keys - count);
        usage.changed = true;
    }

    @Override
    public void doubt(Claim held) {
        committer.call(
                true,
                tx -> tx.session.update(
                        "UPDATE claim SET state = ? WHERE digest = ? AND state = ?", DOUBT, digest(held.key()), OPEN));
    }

    /** Forgets what has expired among one part of the digests; returns the part to go on with. */
    int forgetExpired(int part) {
        byte[] from = {(byte) part};
        byte[] to = {(byte) (part + 1)};
        committer.call(false, tx -> {
            String range = part == PARTS - 1 ? "digest >= ?" : "digest >= ? AND digest < ?";
            Object[] arguments = part == PARTS - 1 ? new Object[] {tx.clock, from} : new Object[] {tx.clock, from, to};
            for (long[] count : tx.session.list(
                    "SELECT tenant, count(*) FROM claim WHERE expires <= ? AND " + range + " GROUP BY tenant",
                    row -> new long[] {row.getLong(1), row.getLong(2)},
                    arguments)) {
                freed(tx, count[0], count[1]);
            }
            int gone = tx.session.update("DELETE FROM claim WHERE expires <= ? AND " + range, arguments);
            all = tx.session.number("SELECT coalesce(sum(keys), 0) FROM tenant");
            return gone;
        });
        return (part + 1) % PARTS;
    }

    @Override
    public StoreScope scope() {
        return StoreScope.DIRECTORY;
    }

    private static byte[] digest(IdempotencyKey key) {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            for (String part : new String[] {
                key.use().name(),
                key.address().tenant().env(),
                key.address().tenant().name(),
                key.address().topic().value(),
                key.value()
            }) {
                byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
                int length = bytes.length;
                sha.update(
                        new byte[] {(byte) (length >>> 24), (byte) (length >>> 16), (byte) (length >>> 8), (byte) length
                        });
                sha.update(bytes);
            }
            return Arrays.copyOf(sha.digest(), 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static byte[] bytes(PublishReceipt receipt) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            out.writeBoolean(receipt.status() == PublishReceipt.Status.QUEUED);
            out.writeUTF(receipt.provider());
            out.writeInt(receipt.attempts());
            out.writeBoolean(receipt.durable());
            Position position = receipt.position().orElse(null);
            out.writeBoolean(position != null);
            if (position != null) {
                out.writeUTF(position.provider());
                byte[] opaque = position.opaque().getBytes(StandardCharsets.UTF_8);
                out.writeInt(opaque.length);
                out.write(opaque);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static PublishReceipt receipt(Row row) {
        EventId event = new EventId(row.event);
        byte[] bytes = java.util.Objects.requireNonNull(row.receipt, "a key that is done has a receipt");
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
            boolean queued = in.readBoolean();
            String provider = in.readUTF();
            int attempts = in.readInt();
            boolean durable = in.readBoolean();
            Position position = null;
            if (in.readBoolean()) {
                String name = in.readUTF();
                position = new Position(name, new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8));
            }
            return queued
                    ? PublishReceipt.queued(event, provider, attempts)
                    : PublishReceipt.published(event, provider, attempts, durable, position);
        } catch (IOException e) {
            throw new EventsException(ErrorCode.STORE_CORRUPT, "the receipt of event " + event + " is damaged", e);
        }
    }
}

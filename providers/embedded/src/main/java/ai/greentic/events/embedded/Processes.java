package ai.greentic.events.embedded;

import ai.greentic.events.spi.Time;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The processes that share a store. Each holds a slot for as long as it lives: a lock on one byte, and a line in a mapped file of marks
 * that the others read without asking the database.
 *
 * <pre>
 * marks   header 64 bytes, then for each slot 64: nonce · synced transaction · synced event · heartbeat · membership changes
 * locks   byte 0 and 1 the turnstile of writers · byte 2 opening · byte 16 + i the life of slot i
 * </pre>
 *
 * <p>Liveness is judged by the lock, which ends with its process, and by the heartbeat and the observer's monotonic clock, never by wall
 * time. The marks of a slot only grow, whoever holds it. Thread-safe; the turn belongs to the thread
 * that took it. Only the store's own threads come here, since an interrupt would close the file and drop the locks.
 */
final class Processes implements AutoCloseable {
    static final int SLOTS = 256;
    private static final int LINE = 64;
    private static final long MAGIC = 0x47524556_4d41524bL;
    private static final VarHandle LONGS = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int NONCE = 0;
    private static final int TX = 8;
    private static final int SEQ = 16;
    private static final int BEAT = 24;
    private static final int MEMBERSHIP = 32;

    private final FileChannel locks;
    private final FileChannel markFile;
    private final MappedByteBuffer marks;
    private final Time time;
    private final long patienceNanos;
    private final Map<Integer, Beat> beats = new HashMap<>();

    int slot = -1;
    long nonce;
    private @Nullable FileLock life;
    private final ReentrantLock turnOfThreads = new ReentrantLock(true);
    private @Nullable FileLock turn;

    private record Beat(long nonce, long value, long sinceNanos) {}

    /**
     * @param patience how long a process may stand still before it counts as dead
     */
    Processes(StateDirectory directory, Time time, Duration patience) throws IOException {
        this.time = time;
        this.patienceNanos = patience.toNanos();
        this.locks = FileChannel.open(directory.locks, StandardOpenOption.READ, StandardOpenOption.WRITE);
        this.markFile = FileChannel.open(directory.marks, StandardOpenOption.READ, StandardOpenOption.WRITE);
        long size = (long) LINE * (SLOTS + 1);
        this.marks = markFile.map(FileChannel.MapMode.READ_WRITE, 0, size);
    }

    /** Something that one process does at a time. */
    interface Alone<T> {
        T run() throws IOException, SQLException;
    }

    /** Does something that no other process does, opens or examines at the same time. */
    <T> T alone(Alone<T> what) throws IOException, SQLException {
        FileLock lock = locks.lock(2, 1, false);
        try {
            return what.run();
        } finally {
            lock.release();
        }
    }

    /** Whether the marks file is one of ours; a fresh one is made so. To be asked {@link #alone}. */
    boolean recognised() {
        long magic = get(0);
        if (magic == 0) {
            LONGS.setVolatile(marks, 0, MAGIC);
        }
        return magic == 0 || magic == MAGIC;
    }

    /** Takes a free slot; returns whether there was one. */
    synchronized boolean join() throws IOException {
        for (int i = 0; i < SLOTS; i++) {
            FileLock lock = locks.tryLock(16 + i, 1, false);
            if (lock != null) {
                life = lock;
                slot = i;
                nonce = time.randomBits() | 1;
                set(i, NONCE, nonce);
                beat();
                return true;
            }
        }
        return false;
    }

    private static int at(int slot, int field) {
        return LINE * (slot + 1) + field;
    }

    private long get(int offset) {
        return (long) LONGS.getVolatile(marks, offset);
    }

    private void set(int slot, int field, long value) {
        LONGS.setVolatile(marks, at(slot, field), value);
    }

    private long most(int field) {
        long most = 0;
        for (int i = 0; i < SLOTS; i++) {
            most = Math.max(most, get(at(i, field)));
        }
        return most;
    }

    /** The newest transaction that some process has seen safe on disk. */
    long syncedTransaction() {
        return most(TX);
    }

    /** The newest event that another process has seen safe on disk. */
    long syncedEventOfOthers() {
        long newest = 0;
        for (int i = 0; i < SLOTS; i++) {
            newest = i == slot ? newest : Math.max(newest, get(at(i, SEQ)));
        }
        return newest;
    }

    /** This process has seen a transaction, and events up to one, safe on disk. */
    void synced(long transaction, long event) {
        if (transaction > get(at(slot, TX))) {
            set(slot, TX, transaction);
        }
        if (event > get(at(slot, SEQ))) {
            set(slot, SEQ, event);
        }
    }

    /** Forgets every mark: what is missing from the database is given up. */
    void forgetMarks() {
        for (int i = 0; i < SLOTS; i++) {
            set(i, TX, 0);
            set(i, SEQ, 0);
        }
        LONGS.setVolatile(marks, 0, MAGIC);
    }

    void beat() {
        LONGS.getAndAdd(marks, at(slot, BEAT), 1L);
    }

    /** Tells the others that members have come or gone. */
    void membershipChanged() {
        LONGS.getAndAdd(marks, at(slot, MEMBERSHIP), 1L);
    }

    /** Changes whenever any process says {@link #membershipChanged}. */
    long membership() {
        long sum = 0;
        for (int i = 0; i < SLOTS; i++) {
            sum += get(at(i, MEMBERSHIP));
        }
        return sum;
    }

    /** Whether the process that held a slot under a nonce is alive. */
    synchronized boolean isAlive(int other, long itsNonce) {
        if (other == slot) {
            return itsNonce == nonce;
        }
        if (other < 0 || other >= SLOTS || get(at(other, NONCE)) != itsNonce || !isLocked(other)) {
            return false;
        }
        long value = get(at(other, BEAT));
        long now = time.nanos();
        Beat seen = beats.get(other);
        if (seen == null || seen.nonce != itsNonce || seen.value != value) {
            beats.put(other, new Beat(itsNonce, value, now));
            return true;
        }
        return now - seen.sinceNanos < patienceNanos;
    }

    private boolean isLocked(int other) {
        try {
            FileLock lock = locks.tryLock(16 + other, 1, false);
            if (lock == null) {
                return true;
            }
            lock.release();
            return false;
        } catch (OverlappingFileLockException | IOException e) {
            return true;
        }
    }

    /** How many processes hold a slot. */
    synchronized int living() {
        int count = 0;
        for (int i = 0; i < SLOTS; i++) {
            if (i == slot || get(at(i, NONCE)) != 0 && isLocked(i)) {
                count++;
            }
        }
        return count;
    }

    /** Waits for this thread's turn to write: whoever waits stands in line behind one gate, so that nobody is passed over for long. */
    void takeTurn() throws IOException {
        turnOfThreads.lock();
        try {
            FileLock gate = locks.lock(0, 1, false);
            try {
                turn = locks.lock(1, 1, false);
            } finally {
                gate.release();
            }
        } catch (IOException | RuntimeException e) {
            turnOfThreads.unlock();
            throw e;
        }
    }

    void giveTurn() throws IOException {
        try {
            FileLock held = turn;
            turn = null;
            if (held != null) {
                held.release();
            }
        } finally {
            turnOfThreads.unlock();
        }
    }

    /** Leaves the slot. Closing the channel drops every lock of this process on the file. */
    @Override
    public void close() throws IOException {
        if (life != null) {
            life.release();
        }
        locks.close();
        markFile.close();
    }
}

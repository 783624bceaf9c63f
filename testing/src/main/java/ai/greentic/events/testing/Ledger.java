package ai.greentic.events.testing;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventId;
import ai.greentic.events.EventsException;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.bus.Delivery;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletionException;

/**
 * Keeps account of every publish and of every delivery to every reader, and says what was lost, duplicated, unexpected, reordered or seen by
 * the wrong tenant. Nothing is filtered before the account is drawn. After the checkers of Jepsen's queue tests. Thread-safe.
 */
public final class Ledger {
    private final Map<EventId, Sheet> sheets = new LinkedHashMap<>();
    private final List<Reader> readers = new ArrayList<>();
    private long acknowledged;
    private long refused;

    public Ledger() {}

    /** One publish. */
    private static final class Sheet {
        final EventEnvelope event;
        final long number;
        boolean acknowledged;
        boolean refused;

        Sheet(EventEnvelope event, long number) {
            this.event = event;
            this.number = number;
        }
    }

    /** What one reader did with one event. */
    private static final class Line {
        int delivered;
        int expectedAgain;
        boolean finished;
        boolean ended;
    }

    /**
     * The account, summed over all readers.
     *
     * @param attempted publishes begun
     * @param acknowledged publishes with a receipt
     * @param refused publishes of which the caller was told that they failed
     * @param delivered deliveries to handlers
     * @param settled events that a reader has done with
     * @param lost acknowledged events that a reader wanted and never was done with
     * @param duplicated deliveries beyond the first that nobody asked for
     * @param unexpected deliveries of events that were never published, or not there
     * @param reordered deliveries of an event whose handler had not finished, after a later one of its key
     * @param crossTenant deliveries to a reader of another tenant
     * @param early redeliveries before their time
     */
    public record Account(
            long attempted,
            long acknowledged,
            long refused,
            long delivered,
            long settled,
            long lost,
            long duplicated,
            long unexpected,
            long reordered,
            long crossTenant,
            long early) {
        /** Whether nothing happened that must never happen. Duplicates and order are for the caller to judge. */
        public boolean isSound() {
            return lost == 0 && unexpected == 0 && crossTenant == 0 && early == 0;
        }

        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "attempted %d, acknowledged %d, refused %d, delivered %d, settled %d, lost %d, duplicated %d, unexpected %d,"
                            + " reordered %d, cross-tenant %d, early %d",
                    attempted,
                    acknowledged,
                    refused,
                    delivered,
                    settled,
                    lost,
                    duplicated,
                    unexpected,
                    reordered,
                    crossTenant,
                    early);
        }
    }

    /** A publish begins. */
    public synchronized void publishing(EventEnvelope event) {
        sheets.put(event.id(), new Sheet(event, sheets.size()));
        readers.forEach(reader -> reader.introduce(event.id()));
    }

    /** A receipt came. */
    public synchronized void acknowledged(EventId event) {
        Sheet sheet = sheets.get(event);
        if (sheet != null && !sheet.acknowledged) {
            sheet.acknowledged = true;
            acknowledged++;
        }
    }

    /** The caller was told that the publish failed; the event may come all the same where the error left that open. */
    public synchronized void refused(EventId event) {
        Sheet sheet = sheets.get(event);
        if (sheet != null && !sheet.refused) {
            sheet.refused = true;
            refused++;
        }
    }

    /**
     * Someone who is to get every event of a scope and a pattern that is published from now on, all members of a group together, or one
     * ephemeral subscription.
     */
    public synchronized Reader reader(String name, TenantScope scope, TopicPattern pattern) {
        Reader reader = new Reader(name, scope, pattern, sheets.size());
        readers.add(reader);
        return reader;
    }

    /** As the other method, for someone who also gets what was published before. */
    public synchronized Reader readerFromTheStart(String name, TenantScope scope, TopicPattern pattern) {
        Reader reader = new Reader(name, scope, pattern, 0);
        readers.add(reader);
        return reader;
    }

    /** Draws the account. */
    public synchronized Account account() {
        Account sum = new Account(sheets.size(), acknowledged, refused, 0, 0, 0, 0, 0, 0, 0, 0);
        for (Reader reader : readers) {
            sum = new Account(
                    sum.attempted,
                    sum.acknowledged,
                    sum.refused,
                    sum.delivered + reader.delivered,
                    sum.settled + reader.ended,
                    sum.lost + reader.waiting(),
                    sum.duplicated + reader.duplicated(),
                    sum.unexpected + reader.unexpected + reader.strangers(),
                    sum.reordered + reader.reordered,
                    sum.crossTenant + reader.crossTenant,
                    sum.early + reader.early);
        }
        return sum;
    }

    /** A reader's part of the account. */
    public final class Reader {
        private final String name;
        private final TenantScope scope;
        private final TopicPattern pattern;
        private final long from;
        private final Map<EventId, Line> lines = new HashMap<>();
        private final Map<String, Long> newestOfKey = new HashMap<>();
        private final Map<EventId, Long> notBefore = new HashMap<>();
        /** What came and was not published as far as anybody has said. */
        private final Map<EventId, List<EventEnvelope>> strangers = new HashMap<>();

        private long delivered;
        private long ended;
        private long unexpected;
        private long reordered;
        private long crossTenant;
        private long early;
        private boolean gone;

        private Reader(String name, TenantScope scope, TopicPattern pattern, long from) {
            this.name = name;
            this.scope = scope;
            this.pattern = pattern;
            this.from = from;
        }

        public String name() {
            return name;
        }

        /** A handler starts. */
        public void delivered(EventEnvelope event) {
            synchronized (Ledger.this) {
                delivered++;
                if (!scope.includes(event.tenant().tenant())) {
                    crossTenant++;
                }
                Sheet sheet = sheets.get(event.id());
                if (sheet == null) {
                    strangers
                            .computeIfAbsent(event.id(), id -> new ArrayList<>())
                            .add(event);
                } else {
                    came(event, sheet);
                }
            }
        }

        /** An event turns out to have been published: word of it came later than the event. */
        private void introduce(EventId event) {
            List<EventEnvelope> came = strangers.remove(event);
            Sheet sheet = sheets.get(event);
            if (came != null && sheet != null) {
                came.forEach(one -> came(one, sheet));
            }
        }

        private void came(EventEnvelope event, Sheet sheet) {
            if (!isWhatWasSent(sheet.event, event) || !wants(sheet)) {
                unexpected++;
            } else {
                Line line = lines.computeIfAbsent(event.id(), id -> new Line());
                line.delivered++;
                if (!line.finished) {
                    checkOrder(event, sheet);
                }
            }
        }

        private long strangers() {
            return strangers.values().stream().mapToLong(List::size).sum();
        }

        private void checkOrder(EventEnvelope event, Sheet sheet) {
            String key = event.orderingKey().orElse(null);
            if (key == null) {
                return;
            }
            String lane = event.address() + "|" + key;
            long last = newestOfKey.getOrDefault(lane, -1L);
            if (sheet.number < last) {
                reordered++;
            } else {
                newestOfKey.put(lane, sheet.number);
            }
        }

        /** The handler had its effect; if the ack is lost now, the next delivery is a duplicate, not out of order. */
        public void finished(EventId event) {
            synchronized (Ledger.this) {
                lines.computeIfAbsent(event, id -> new Line()).finished = true;
            }
        }

        /**
         * As {@link #delivered(EventEnvelope)} and {@link #finished}; notes the end when the provider has taken it. The last thing that a
         * handler does which returns to ack.
         */
        public void handled(Delivery delivery) {
            delivered(delivery.event());
            finished(delivery.event().id());
            var unused = delivery.settled().thenRun(() -> ended(delivery.event().id()));
        }

        /**
         * As {@link #handled}, while something happens to the transport: where nobody knows whether the provider took the settlement, the
         * event counts as done, since it was handled and need not come again.
         */
        public void handledUnderFaults(Delivery delivery) {
            delivered(delivery.event());
            finished(delivery.event().id());
            var unused = delivery.settled().whenComplete((done, failure) -> {
                Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
                if (cause == null
                        || cause instanceof EventsException refused && refused.code() == ErrorCode.OUTCOME_UNKNOWN) {
                    ended(delivery.event().id());
                }
            });
        }

        /** The reader is done with an event: it was acked, or became a dead letter. */
        public void ended(EventId event) {
            synchronized (Ledger.this) {
                Line line = lines.computeIfAbsent(event, id -> new Line());
                line.finished = true;
                if (!line.ended) {
                    line.ended = true;
                    ended++;
                }
            }
        }

        /** The handler did not do with the event: another delivery is in order. */
        public void expectAgain(EventId event) {
            synchronized (Ledger.this) {
                lines.computeIfAbsent(event, id -> new Line()).expectedAgain++;
            }
        }

        /**
         * As {@link #expectAgain}, but not before a time.
         *
         * @param nanos by the clock that {@link #redelivered} is given
         */
        public void expectAgainNotBefore(EventId event, long nanos) {
            synchronized (Ledger.this) {
                expectAgain(event);
                notBefore.put(event, nanos);
            }
        }

        /**
         * Says when a delivery came.
         *
         * @return how late it was, in nanoseconds; negative if it was early, and 0 if nobody set a time
         */
        public long redelivered(EventId event, long nanos) {
            synchronized (Ledger.this) {
                Long due = notBefore.remove(event);
                if (due == null) {
                    return 0;
                }
                if (nanos - due < 0) {
                    early++;
                }
                return nanos - due;
            }
        }

        /** The reader has ended on request: it is owed nothing more. What it did stays in the account. */
        public void leave() {
            synchronized (Ledger.this) {
                gone = true;
            }
        }

        /** How many acknowledged events this reader wants and is not done with. */
        public long waiting() {
            return owed().size();
        }

        /** Acknowledged events that this reader wants and is not done with, in the order of publishing. */
        public List<EventId> owed() {
            synchronized (Ledger.this) {
                return gone
                        ? List.of()
                        : sheets.values().stream()
                                .filter(sheet -> sheet.acknowledged && wants(sheet))
                                .map(sheet -> sheet.event.id())
                                .filter(id -> {
                                    Line line = lines.get(id);
                                    return line == null || !line.ended;
                                })
                                .toList();
            }
        }

        private boolean wants(Sheet sheet) {
            return sheet.number >= from
                    && scope.includes(sheet.event.tenant().tenant())
                    && pattern.matches(sheet.event.topic());
        }

        /** Deliveries beyond the first that nobody asked for. */
        public long duplicated() {
            synchronized (Ledger.this) {
                return lines.values().stream()
                        .mapToLong(line -> Math.max(0, line.delivered - 1 - line.expectedAgain))
                        .sum();
            }
        }

        /** Deliveries so far. */
        public long deliveries() {
            synchronized (Ledger.this) {
                return delivered;
            }
        }
    }

    /** Everything that a publisher says of an event, apart from what the fabric writes. */
    private static boolean isWhatWasSent(EventEnvelope sent, EventEnvelope got) {
        return sent.address().equals(got.address())
                && sent.type().equals(got.type())
                && sent.source().equals(got.source())
                && sent.subject().equals(got.subject())
                && sent.time().equals(got.time())
                && sent.orderingKey().equals(got.orderingKey())
                && sent.correlationId().equals(got.correlationId())
                && sent.payload().json().equals(got.payload().json())
                && got.metadata().entrySet().containsAll(sent.metadata().entrySet())
                && sent.unknownFields().equals(got.unknownFields());
    }
}

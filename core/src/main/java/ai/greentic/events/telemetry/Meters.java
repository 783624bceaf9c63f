package ai.greentic.events.telemetry;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.ErrorKind;
import ai.greentic.events.Tenant;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.LongCounter;
import io.opentelemetry.api.metrics.LongUpDownCounter;
import io.opentelemetry.api.metrics.Meter;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The instruments of a bus. The first 500 tenants are named, all others are {@code other}, so that no tenant can make metrics grow. */
final class Meters {
    private static final int NAMED_TENANTS = 500;
    private static final int CACHED = 10_000;

    private final LongCounter in;
    private final LongCounter out;
    private final LongCounter failed;
    private final LongCounter deadLettered;
    private final LongCounter deadLettersFailed;
    private final LongCounter denied;
    private final LongCounter duplicates;
    private final LongCounter unroutable;
    private final LongCounter retried;
    private final LongCounter delivered;
    private final LongCounter settled;
    private final LongUpDownCounter inFlight;
    private final DoubleHistogram latency;
    private final DoubleHistogram settleLatency;
    private final DoubleHistogram lag;

    private final Map<Tenant, String> names = new ConcurrentHashMap<>();
    private final Map<Series, Attributes> series = new ConcurrentHashMap<>();

    private record Series(String tenant, String provider, String kind, String outcome) {}

    Meters(Meter meter) {
        in = counter(meter, "events_in_total", "Publishes that passed access and routing.");
        out = counter(meter, "events_out_total", "Publishes that a provider accepted.");
        failed = counter(meter, "events_failed_total", "Publishes that failed after retries.");
        deadLettered = counter(meter, "events_dlq_total", "Events that became dead letters.");
        deadLettersFailed =
                counter(meter, "events_dlq_failed_total", "Dead letters or their copies that were not kept.");
        denied = counter(meter, "events_denied_total", "Publishes and subscriptions that access rules refused.");
        duplicates = counter(meter, "events_duplicate_total", "Publishes answered with the first receipt.");
        unroutable = counter(meter, "events_unroutable_total", "Publishes and subscriptions without a route.");
        retried = counter(meter, "events_retried_total", "Attempts to publish after a failure.");
        delivered = counter(meter, "events_delivered_total", "Ends of deliveries.");
        settled = counter(meter, "events_settled_total", "Settlements handed to providers.");
        inFlight = meter.upDownCounterBuilder("events_in_flight")
                .setUnit("{event}")
                .setDescription("Events in the hands of handlers.")
                .build();
        latency = histogram(meter, "event_latency_ms", "From the call to its result, retries included.");
        settleLatency = histogram(meter, "events_settle_latency_ms", "Calls that settle.");
        lag = histogram(meter, "events_consumer_lag_ms", "Age of events, by their senders' clocks, as handlers start.");
    }

    private static LongCounter counter(Meter meter, String name, String description) {
        return meter.counterBuilder(name)
                .setUnit("{event}")
                .setDescription(description)
                .build();
    }

    private static DoubleHistogram histogram(Meter meter, String name, String description) {
        return meter.histogramBuilder(name)
                .setUnit("ms")
                .setDescription(description)
                .build();
    }

    private Attributes attributes(Tenant tenant, String provider, String kind, String outcome) {
        String name = names.get(tenant);
        if (name == null) {
            name = names.size() < NAMED_TENANTS ? tenant.toString() : "other";
            if (names.size() < CACHED) {
                names.put(tenant, name);
            }
        }
        Series key = new Series(name, provider, kind, outcome);
        Attributes known = series.get(key);
        if (known == null) {
            known = Attributes.of(
                    Names.TENANT, name, Names.PROVIDER, provider, Names.KIND, kind, Names.OUTCOME, outcome);
            if (series.size() < CACHED) {
                series.put(key, known);
            }
        }
        return known;
    }

    void in(Tenant tenant, String provider) {
        in.add(1, attributes(tenant, provider, "publish", "accepted"));
    }

    void published(Tenant tenant, String provider, String outcome, double millis) {
        Attributes attributes = attributes(tenant, provider, "publish", outcome);
        (outcome.equals("duplicate") ? duplicates : out).add(1, attributes);
        latency.record(millis, attributes);
    }

    void failed(Tenant tenant, String provider, ErrorCode code, double millis) {
        Attributes attributes = attributes(tenant, provider, "publish", code.name());
        failed.add(1, attributes);
        latency.record(millis, attributes);
    }

    void refused(Tenant tenant, String kind, ErrorCode code) {
        Attributes attributes = attributes(tenant, "none", kind, code.name());
        if (code.kind() == ErrorKind.DENIED) {
            denied.add(1, attributes);
        } else if (code == ErrorCode.NO_ROUTE) {
            unroutable.add(1, attributes);
        } else {
            failed.add(1, attributes);
        }
    }

    void retried(Tenant tenant, String provider) {
        retried.add(1, attributes(tenant, provider, "publish", "retried"));
    }

    void delivered(Tenant tenant, String provider, String outcome) {
        delivered.add(1, attributes(tenant, provider, "deliver", outcome));
    }

    void inFlight(Tenant tenant, String provider, long change) {
        inFlight.add(change, attributes(tenant, provider, "deliver", "in_flight"));
    }

    void deadLetter(Tenant tenant, String provider, boolean kept) {
        (kept ? deadLettered : deadLettersFailed).add(1, attributes(tenant, provider, "dlq", kept ? "kept" : "failed"));
    }

    void settled(String provider, long count, double millis) {
        Attributes attributes = Attributes.of(Names.PROVIDER, provider);
        settled.add(count, attributes);
        settleLatency.record(millis, attributes);
    }

    void lag(Tenant tenant, String provider, long millis) {
        lag.record((double) millis, attributes(tenant, provider, "deliver", "started"));
    }
}

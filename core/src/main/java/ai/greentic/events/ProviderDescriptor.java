package ai.greentic.events;

import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a provider is, as packs describe it. Immutable. */
public final class ProviderDescriptor {
    /** Which way events go. */
    public enum Kind {
        /** Accepts and delivers. */
        BROKER,
        /** Delivers only. */
        SOURCE,
        /** Accepts only. */
        SINK,
        /** Converts between channel messages and events; carries nothing. */
        BRIDGE;

        public boolean publishes() {
            return this == BROKER || this == SINK;
        }

        public boolean subscribes() {
            return this == BROKER || this == SOURCE;
        }

        /** The word of the formats. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** How often an accepted event is delivered; a minimum that the provider must meet. */
    public enum Reliability {
        AT_MOST_ONCE,
        AT_LEAST_ONCE,
        EFFECTIVELY_ONCE;

        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What stays in order; a minimum that the provider must meet. */
    public enum Ordering {
        NONE,
        PER_KEY,
        GLOBAL;

        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final String name;
    private final Kind kind;
    private final String transport;
    private final Reliability reliability;
    private final Ordering ordering;
    private final @Nullable String notes;
    private final List<String> tags;

    public ProviderDescriptor(
            String name,
            Kind kind,
            String transport,
            Reliability reliability,
            Ordering ordering,
            @Nullable String notes,
            List<String> tags) {
        this.name = Objects.requireNonNull(name, "name");
        this.kind = Objects.requireNonNull(kind, "kind");
        this.transport = transport.toLowerCase(Locale.ROOT);
        this.reliability = Objects.requireNonNull(reliability, "reliability");
        this.ordering = Objects.requireNonNull(ordering, "ordering");
        this.notes = notes;
        this.tags = List.copyOf(tags);
    }

    public String name() {
        return name;
    }

    public Kind kind() {
        return kind;
    }

    /** The transport's word, lower case; {@code unspecified} if the pack names none. */
    public String transport() {
        return transport;
    }

    public Reliability reliability() {
        return reliability;
    }

    public Ordering ordering() {
        return ordering;
    }

    public Optional<String> notes() {
        return Optional.ofNullable(notes);
    }

    public List<String> tags() {
        return tags;
    }

    @Override
    public String toString() {
        return name + " (" + kind.word() + ", " + transport + ")";
    }
}

package ai.greentic.events.bus;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.ProviderDescriptor;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.delivery.ProviderOverrides;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.EventProvider;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A provider of this bus with its lanes, or the reason why it is not there. */
final class Registration {
    final @Nullable String pack;
    final ProviderDescriptor descriptor;
    final List<TopicPattern> topics;
    final String transport;
    final Set<Capability> capabilities;
    final ProviderOverrides overrides;
    private final @Nullable EventProvider provider;
    private final @Nullable EventsException failure;
    private @Nullable Sender sender;
    private @Nullable Forwarder forwarder;
    private List<PublishLane> lanes = List.of();

    Registration(
            ProviderDeclaration declaration,
            String transport,
            Set<Capability> capabilities,
            ProviderOverrides overrides,
            @Nullable EventProvider provider,
            @Nullable EventsException failure) {
        this.pack = declaration.pack();
        this.descriptor = declaration.descriptor();
        this.topics = declaration.topics();
        this.transport = transport;
        this.capabilities = Set.copyOf(capabilities);
        this.overrides = overrides;
        this.provider = provider;
        this.failure = failure;
    }

    String name() {
        return descriptor.name();
    }

    /** The name, with the pack's where two packs use the same. */
    String qualifiedName() {
        return pack == null ? name() : pack + "/" + name();
    }

    boolean atMostOnce() {
        return descriptor.reliability() == ProviderDescriptor.Reliability.AT_MOST_ONCE;
    }

    boolean effectivelyOnce() {
        return descriptor.reliability() == ProviderDescriptor.Reliability.EFFECTIVELY_ONCE;
    }

    /** Whether the pack asks for order per key, or more. */
    boolean keepsKeyOrder() {
        return descriptor.ordering() != ProviderDescriptor.Ordering.NONE;
    }

    /** Whether all events of an address stay in order, whatever their keys. */
    boolean globallyOrdered() {
        return descriptor.ordering() == ProviderDescriptor.Ordering.GLOBAL;
    }

    /** Refuses what the provider does not offer. */
    void require(Capability capability, String what) {
        if (!capabilities.contains(capability)) {
            throw new EventsException(
                    ErrorCode.UNSUPPORTED_CAPABILITY,
                    "provider " + this + " (" + transport + ") does not support " + what + " (" + capability + ")");
        }
    }

    boolean durable() {
        return capabilities.contains(Capability.DURABLE_PROCESS_CRASH);
    }

    boolean publishes() {
        return descriptor.kind().publishes();
    }

    boolean subscribes() {
        return descriptor.kind().subscribes();
    }

    EventProvider provider() {
        if (provider == null) {
            throw new EventsException(
                    ErrorCode.PROVIDER_NOT_STARTED,
                    "provider " + qualifiedName() + " did not start: "
                            + (failure == null ? "it has no transport" : failure.getMessage()),
                    failure);
        }
        return provider;
    }

    void open(Sender over, List<PublishLane> opened, @Nullable Forwarder forward) {
        this.sender = over;
        this.forwarder = forward;
        this.lanes = List.copyOf(opened);
    }

    /** Calls the provider for the lanes; null if it did not start. */
    @Nullable
    Sender sender() {
        return sender;
    }

    /** Keeps events that cannot be sent yet; null without durable state. */
    @Nullable
    Forwarder forwarder() {
        return forwarder;
    }

    /** Whether events whose time has not come wait here, since the provider does not keep them. */
    boolean keepsForLater() {
        return forwarder != null && !capabilities.contains(Capability.SCHEDULE);
    }

    boolean started() {
        return provider != null;
    }

    List<PublishLane> lanes() {
        return lanes;
    }

    /** The lane of an event: events of one key share one. */
    PublishLane lane(PreparedEvent event) {
        String key = globallyOrdered() ? "" : event.orderingKey();
        int hash = key == null
                ? event.event().id().value().hashCode()
                : key.hashCode() * 31 + event.address().topic().value().hashCode();
        hash ^= hash >>> 16;
        return lanes.get(Math.floorMod(hash, lanes.size()));
    }

    ProviderStatus status() {
        return new ProviderStatus(
                pack,
                descriptor,
                topics,
                transport,
                capabilities,
                overrides.retryPolicy(),
                overrides.deadLetterTopic(),
                provider != null ? null : failure == null ? "it has no transport" : failure.getMessage());
    }

    @Override
    public String toString() {
        return qualifiedName();
    }
}

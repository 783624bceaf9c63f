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

    void open(List<PublishLane> opened) {
        this.lanes = List.copyOf(opened);
    }

    boolean started() {
        return provider != null;
    }

    List<PublishLane> lanes() {
        return lanes;
    }

    /** The lane of an event: events of one key share one. */
    PublishLane lane(PreparedEvent event) {
        String key = event.orderingKey();
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

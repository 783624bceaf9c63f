package ai.greentic.events.nats;

import ai.greentic.events.spi.ProviderSettings;
import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.JetStreamOptions;
import io.nats.client.KeyValue;
import io.nats.client.KeyValueOptions;
import io.nats.client.PurgeOptions;
import io.nats.client.api.KeyValueConfiguration;
import io.nats.client.api.StorageType;
import java.io.IOException;
import java.time.Duration;

/** The bucket in which groups keep their positions, made when the first group needs it. Thread-safe. */
final class Groups {
    private static final JetStreamOptions ANSWERS =
            JetStreamOptions.builder().requestTimeout(Duration.ofSeconds(5)).build();

    private final NatsProvider provider;
    private final Connection connection;
    private final int replicas;
    private final String name;

    Groups(NatsProvider provider, Connection connection, ProviderSettings settings) {
        this.provider = provider;
        this.connection = connection;
        this.replicas = (int) settings.integer("replicas");
        this.name = provider.subjects.groups();
    }

    KeyValue bucket() {
        try {
            KeyValueOptions options =
                    KeyValueOptions.builder().jetStreamOptions(ANSWERS).build();
            var unused = connection
                    .keyValueManagement(options)
                    .create(KeyValueConfiguration.builder()
                            .name(name)
                            .storageType(StorageType.File)
                            .replicas(replicas)
                            .build());
            return connection.keyValue(name, options);
        } catch (IOException | JetStreamApiException | IllegalStateException e) {
            throw Failures.of(provider.context.name(), "making bucket " + name, e, false);
        }
    }

    /** Removes a key and every trace of it. */
    boolean remove(String key) throws IOException, JetStreamApiException {
        return connection
                .jetStreamManagement(ANSWERS)
                .purgeStream("KV_" + name, PurgeOptions.subject("$KV." + name + "." + key))
                .isSuccess();
    }
}

package ai.greentic.events.nats;

import ai.greentic.events.spi.ProviderSubscription;

/** What the provider tells its subscriptions. Any thread. */
interface NatsReading extends ProviderSubscription {
    void wake();

    /** The connection is a new one. */
    void reconnected();

    /** Time to look for what nobody was told of. */
    void watch();
}

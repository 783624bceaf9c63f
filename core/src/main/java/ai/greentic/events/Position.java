package ai.greentic.events;

import java.util.Objects;

/**
 * Provider-native place of an accepted event. Comparable only by the provider that made it.
 *
 * @param provider name of the provider
 * @param opaque the provider's own text
 */
public record Position(String provider, String opaque) {
    public Position {
        Objects.requireNonNull(provider, "provider");
        Objects.requireNonNull(opaque, "opaque");
    }

    @Override
    public String toString() {
        return provider + "@" + opaque;
    }
}

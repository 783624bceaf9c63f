package ai.greentic.events;

import java.util.Objects;

/** Outcome of one event of a batch. */
public sealed interface PublishResult {
    /** Returns the receipt, or throws the error. */
    PublishReceipt orElseThrow();

    record Accepted(PublishReceipt receipt) implements PublishResult {
        public Accepted {
            Objects.requireNonNull(receipt, "receipt");
        }

        @Override
        public PublishReceipt orElseThrow() {
            return receipt;
        }
    }

    record Failed(EventId id, EventsException error) implements PublishResult {
        public Failed {
            Objects.requireNonNull(id, "id");
            Objects.requireNonNull(error, "error");
        }

        @Override
        public PublishReceipt orElseThrow() {
            throw error;
        }
    }
}

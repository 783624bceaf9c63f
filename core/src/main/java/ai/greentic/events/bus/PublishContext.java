package ai.greentic.events.bus;

import ai.greentic.events.spi.Tasks;
import ai.greentic.events.spi.Time;
import java.util.concurrent.Executor;

/** What the senders of a bus share. */
final class PublishContext {
    final Time time;
    final Tasks tasks;
    /** Where the futures of asynchronous publishes complete. */
    final Executor receipts;

    final Claims claims;
    final DeadLetterOffice deadLetters;
    /** Where attempts are made, for their history. */
    final String host;

    PublishContext(
            Time time, Tasks tasks, Executor receipts, Claims claims, DeadLetterOffice deadLetters, String host) {
        this.time = time;
        this.tasks = tasks;
        this.receipts = receipts;
        this.claims = claims;
        this.deadLetters = deadLetters;
        this.host = host;
    }

    /** A number in [0, 1). */
    double chance() {
        return (time.randomBits() >>> 11) * 0x1p-53;
    }
}

package ai.greentic.events.embedded;

import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A work that waits for its group, and the answer that somebody waits for. */
final class Job<T extends @Nullable Object> {
    final Committer.Work<T> work;
    final boolean synced;
    final CompletableFuture<T> answer = new CompletableFuture<>();
    private @Nullable T result;

    Job(Committer.Work<T> work, boolean synced) {
        this.work = work;
        this.synced = synced;
    }

    void run(Transaction transaction) throws SQLException {
        result = work.run(transaction);
    }

    @SuppressWarnings("NullAway") // a work may well answer nothing
    void succeed() {
        answer.complete(result);
    }

    void fail(Throwable failure) {
        answer.completeExceptionally(failure);
    }
}

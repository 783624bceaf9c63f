package ai.greentic.events.conformance;

import ai.greentic.events.Tenant;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterGroup;
import ai.greentic.events.spi.DeadLetterId;
import ai.greentic.events.spi.DeadLetterStore;
import ai.greentic.events.spi.StoreScope;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A store in front of another one, for those that change one thing. */
class DelegatingDeadLetterStore implements DeadLetterStore {
    private final DeadLetterStore inner;

    DelegatingDeadLetterStore(DeadLetterStore inner) {
        this.inner = inner;
    }

    @Override
    public void put(DeadLetter letter) {
        inner.put(letter);
    }

    @Override
    public Optional<DeadLetter> find(Tenant tenant, DeadLetterId id) {
        return inner.find(tenant, id);
    }

    @Override
    public List<DeadLetter> list(Tenant tenant, DeadLetterFilter filter, @Nullable DeadLetterId after, int max) {
        return inner.list(tenant, filter, after, max);
    }

    @Override
    public List<DeadLetterGroup> groups(Tenant tenant, DeadLetterFilter filter) {
        return inner.groups(tenant, filter);
    }

    @Override
    public boolean change(Tenant tenant, DeadLetterId id, DeadLetter.State from, DeadLetter.State to) {
        return inner.change(tenant, id, from, to);
    }

    @Override
    public boolean remove(Tenant tenant, DeadLetterId id) {
        return inner.remove(tenant, id);
    }

    @Override
    public Optional<DeadLetter> head(DeadLetter.SequenceId sequence) {
        return inner.head(sequence);
    }

    @Override
    public StoreScope scope() {
        return inner.scope();
    }
}

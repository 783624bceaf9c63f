package ai.greentic.events.embedded;

import ai.greentic.events.TenantTopic;
import ai.greentic.events.embedded.Addresses.Address;
import ai.greentic.events.spi.SubscribeRequest.Filter;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which addresses of a log a subscription wants; the answer for each is worked out once. Thread-safe. */
final class Interest {
    private static final int MOST_LISTED = 64;

    final String log;
    final List<Filter> filters;
    private final Addresses addresses;
    private final BitSet known = new BitSet();
    private final BitSet wanted = new BitSet();

    Interest(String log, List<Filter> filters, Addresses addresses) {
        this.log = log;
        this.filters = filters;
        this.addresses = addresses;
    }

    boolean wants(Address address) {
        return address.log().equals(log) && wants(address.topic());
    }

    private boolean wants(TenantTopic topic) {
        for (Filter filter : filters) {
            if (filter.scope().includes(topic.tenant()) && filter.pattern().matches(topic.topic())) {
                return true;
            }
        }
        return false;
    }

    synchronized boolean wants(long id) {
        int index = (int) id;
        if (!known.get(index)) {
            Address address = addresses.byId(id);
            if (address == null) {
                return false;
            }
            known.set(index);
            wanted.set(index, wants(address));
        }
        return wanted.get(index);
    }

    /** Learns what other processes have added. */
    void refresh() {
        addresses.refresh();
    }

    /** The wanted addresses, if they are few; null if they are many. */
    @Nullable
    List<Long> few() {
        List<Long> found = new ArrayList<>();
        for (Address address : addresses.all()) {
            if (wants(address.id())) {
                found.add(address.id());
                if (found.size() > MOST_LISTED) {
                    return null;
                }
            }
        }
        return found;
    }
}

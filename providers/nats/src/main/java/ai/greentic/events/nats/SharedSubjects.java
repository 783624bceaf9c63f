package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.spi.SubscribeRequest.Filter;
import java.util.Collection;
import java.util.List;

/**
 * The subjects of {@link CoreSubjects} in one stream: what programs publish that know neither environments nor shards is kept, and a group
 * reads it in the order of the stream, one member at a time. All environments of a prefix share the stream; whose an event is, its
 * envelope says.
 */
final class SharedSubjects extends Subjects {
    private final String prefix;
    private final CoreSubjects plain;

    SharedSubjects(String prefix) {
        super(prefix);
        this.prefix = prefix;
        this.plain = new CoreSubjects(prefix);
    }

    @Override
    int shards() {
        return 1;
    }

    /** Programs that know no headers say an event's ordering key in the envelope only. */
    @Override
    boolean carryKeys() {
        return false;
    }

    @Override
    String stream(String env) {
        return prefix.replace('.', '_');
    }

    @Override
    String all(String env) {
        return prefix + ".>";
    }

    @Override
    String of(TenantTopic address, int shard) {
        return plain.of(address);
    }

    @Override
    TenantTopic address(String env, String subject) {
        TenantTopic address = plain.address(env, subject);
        if (address == null) {
            throw new EventsException(ErrorCode.CORRUPT_EVENT, "subject '" + subject + "' names no tenant's topic");
        }
        return address;
    }

    @Override
    int shard(String subject) {
        return 0;
    }

    @Override
    List<String> filters(List<Filter> filters, Collection<Integer> shards) {
        TenantScope scope = filters.get(0).scope();
        TopicPattern pattern = filters.get(0).pattern();
        // A topic that could not be published here has no subject of its own; the engine looks at all and finds none.
        return filters.size() == 1 && scope instanceof TenantContext one && pattern.isLiteral() && isPlain(pattern)
                ? List.of(prefix + "." + one.tenant().name() + "." + pattern.value())
                : List.of(plain.all(scope));
    }

    private static boolean isPlain(TopicPattern pattern) {
        for (String segment : pattern.value().split("\\.", -1)) {
            if (segment.isEmpty() || !token(segment).equals(segment)) {
                return false;
            }
        }
        return true;
    }
}

package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import org.jspecify.annotations.Nullable;

/**
 * Subjects as other Greentic programs have them: {@code PREFIX.TENANT.TOPIC}, without environment and without escapes. What would not be
 * read back as what it was is refused, since those programs would take it for somebody else's.
 */
final class CoreSubjects {
    private final String prefix;

    CoreSubjects(String prefix) {
        this.prefix = prefix;
    }

    String of(TenantTopic address) {
        String tenant = address.tenant().name();
        if (!isPlain(tenant)) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "tenant '" + tenant
                            + "' cannot be told apart in a subject: in the modes core and shared it has only letters, digits, _ and -;"
                            + " use mode jetstream, which escapes");
        }
        for (String segment : address.topic().value().split("\\.", -1)) {
            if (!isPlain(segment)) {
                throw new EventsException(
                        ErrorCode.INVALID_ARGUMENT,
                        "topic '" + address.topic().value()
                                + "' cannot be a subject: in the modes core and shared its parts have only letters, digits, _ and -, and are not empty;"
                                + " use mode jetstream, which escapes");
            }
        }
        return prefix + "." + tenant + "." + address.topic().value();
    }

    private static boolean isPlain(String token) {
        return !token.isEmpty() && Subjects.token(token).equals(token);
    }

    /** Everything of a tenant, or of all. */
    String all(TenantScope scope) {
        return prefix + "." + (scope instanceof TenantContext one ? one.tenant().name() : "*") + ".>";
    }

    /** Whose event a subject holds, in the environment in which it is read; null if it names none. */
    @Nullable
    TenantTopic address(String env, String subject) {
        String rest = subject.startsWith(prefix + ".") ? subject.substring(prefix.length() + 1) : "";
        int dot = rest.indexOf('.');
        try {
            return dot < 1
                    ? null
                    : new TenantTopic(new Tenant(env, rest.substring(0, dot)), new Topic(rest.substring(dot + 1)));
        } catch (EventsException e) {
            return null;
        }
    }
}

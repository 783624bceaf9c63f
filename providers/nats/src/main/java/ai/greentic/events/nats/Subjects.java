package ai.greentic.events.nats;

import ai.greentic.events.AllTenants;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.spi.SubscribeRequest.Filter;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Names of streams and subjects: {@code PREFIX.ENV.TENANT.SHARD.TOPIC}. One to one: every byte of a name outside {@code [A-Za-z0-9_-]}
 * becomes {@code =XX}, and an empty token {@code =}; only a topic's own dots separate tokens.
 */
final class Subjects {
    private static final int SHARD_DIGITS = 2;
    private final String prefix;

    Subjects(String prefix) {
        this.prefix = prefix;
    }

    /** The stream of an environment. */
    String stream(String env) {
        return prefix.replace('.', '_') + "-" + token(env);
    }

    /** Everything of an environment. */
    String all(String env) {
        return prefix + "." + token(env) + ".>";
    }

    /** Where an event goes. */
    String of(TenantTopic address, int shard) {
        return prefix + "." + token(address.tenant().env()) + "."
                + token(address.tenant().name()) + "." + shardToken(shard) + "."
                + topic(address.topic().value());
    }

    private static String shardToken(int shard) {
        String hex = Integer.toHexString(shard);
        return "0".repeat(Math.max(0, SHARD_DIGITS - hex.length())) + hex;
    }

    private static String topic(String topic) {
        StringBuilder subject = new StringBuilder();
        for (String segment : topic.split("\\.", -1)) {
            subject.append(subject.isEmpty() ? "" : ".").append(token(segment));
        }
        return subject.toString();
    }

    static String token(String text) {
        if (text.isEmpty()) {
            return "=";
        }
        StringBuilder token = new StringBuilder(text.length());
        for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (one & 0xff);
            if (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
                token.append(c);
            } else {
                token.append('=')
                        .append(Character.toUpperCase(Character.forDigit(c >> 4, 16)))
                        .append(Character.toUpperCase(Character.forDigit(c & 15, 16)));
            }
        }
        return token.toString();
    }

    /**
     * Whose event a subject holds.
     *
     * @throws EventsException {@code CORRUPT_EVENT} for a subject that is not one of ours
     */
    TenantTopic address(String subject) {
        String[] tokens = subject.substring(Math.min(subject.length(), prefix.length() + 1))
                .split("\\.", -1);
        if (!subject.startsWith(prefix + ".") || tokens.length < 4) {
            throw foreign(subject);
        }
        StringBuilder topic = new StringBuilder(text(tokens[3], subject));
        for (int i = 4; i < tokens.length; i++) {
            topic.append('.').append(text(tokens[i], subject));
        }
        try {
            return new TenantTopic(
                    new Tenant(text(tokens[0], subject), text(tokens[1], subject)), new Topic(topic.toString()));
        } catch (EventsException e) {
            throw foreign(subject);
        }
    }

    private static EventsException foreign(String subject) {
        return new EventsException(ErrorCode.CORRUPT_EVENT, "subject '" + subject + "' names no tenant's topic");
    }

    private static String text(String token, String subject) {
        if (token.equals("=")) {
            return "";
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(token.length());
        for (int i = 0; i < token.length(); i++) {
            char c = token.charAt(i);
            if (c != '=') {
                bytes.write(c);
                continue;
            }
            int high = i + 2 < token.length() ? Character.digit(token.charAt(i + 1), 16) : -1;
            int low = i + 2 < token.length() ? Character.digit(token.charAt(i + 2), 16) : -1;
            if (high < 0 || low < 0) {
                throw foreign(subject);
            }
            bytes.write(high << 4 | low);
            i += 2;
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes.toByteArray()))
                    .toString();
        } catch (CharacterCodingException e) {
            throw foreign(subject);
        }
    }

    /** Subjects that hold at least what the filters ask for, none of which overlaps another one; all of one environment. */
    List<String> filters(String env, List<Filter> filters) {
        List<Filter> own =
                filters.stream().filter(filter -> env(filter).equals(env)).toList();
        if (own.stream().anyMatch(filter -> filter.scope() instanceof AllTenants)) {
            return own.size() == 1 ? List.of(subject(env, "*", own.get(0).pattern())) : List.of(all(env));
        }
        Set<String> subjects = new LinkedHashSet<>();
        for (Filter filter : own) {
            Tenant tenant = ((TenantContext) filter.scope()).tenant();
            boolean alone =
                    own.stream().filter(other -> other.scope().includes(tenant)).count() == 1;
            subjects.add(
                    alone
                            ? subject(env, token(tenant.name()), filter.pattern())
                            : prefix + "." + token(env) + "." + token(tenant.name()) + ".>");
        }
        return List.copyOf(subjects);
    }

    static String env(Filter filter) {
        return filter.scope() instanceof AllTenants all
                ? all.env()
                : ((TenantContext) filter.scope()).tenant().env();
    }

    private String subject(String env, String tenant, TopicPattern pattern) {
        String begin = prefix + "." + token(env) + "." + tenant + ".*.";
        if (pattern.isLiteral()) {
            return begin + topic(pattern.value());
        }
        // Only whole tokens before the first wildcard are certain.
        String certain = pattern.literalPrefix();
        int dot = certain.lastIndexOf('.');
        return dot < 0 ? begin + ">" : begin + topic(certain.substring(0, dot)) + ".>";
    }
}

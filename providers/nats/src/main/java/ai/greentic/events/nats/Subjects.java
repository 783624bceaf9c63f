package ai.greentic.events.nats;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import ai.greentic.events.TenantTopic;
import ai.greentic.events.Topic;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.spi.SubscribeRequest.Filter;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;

/**
 * Names of streams and subjects: {@code PREFIX.ENV.TENANT.SHARD.TOPIC}. One to one: every byte of a name outside {@code [A-Za-z0-9_-]}
 * becomes {@code =XX}, and an empty token {@code =}; only a topic's own dots separate tokens.
 */
class Subjects {
    private static final int SHARDS = 64;

    private final String prefix;

    Subjects(String prefix) {
        this.prefix = prefix;
    }

    /** Into how many shards the keys of a group fall. */
    int shards() {
        return SHARDS;
    }

    /** Whether every event names its ordering key in a header. */
    boolean carryKeys() {
        return true;
    }

    /** The stream of an environment. */
    String stream(String env) {
        return prefix.replace('.', '_') + "-" + token(env);
    }

    /** The bucket of all groups. */
    String groups() {
        return prefix.replace('.', '_') + "-groups";
    }

    /** The stream of an environment's dead letters. No other name has a {@code =} there. */
    String letters(String env) {
        return prefix.replace('.', '_') + "=letters-" + token(env);
    }

    /** Where an environment's dead letters go: {@code PREFIX=letters.ENV.TENANT.ID.SEQUENCE}. */
    String allLetters(String env) {
        return prefix + "=letters." + token(env) + ".>";
    }

    /**
     * @param id of a letter, or {@code *} for all
     * @param sequence what stands for the held key, or {@code *}
     */
    String letter(Tenant tenant, String id, String sequence) {
        return prefix + "=letters." + token(tenant.env()) + "." + token(tenant.name()) + "." + id + "." + sequence;
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
        return HexFormat.of().toHexDigits((byte) shard);
    }

    private static String topic(String topic) {
        if (topic.indexOf('.') < 0) {
            return token(topic);
        }
        StringBuilder subject = new StringBuilder();
        for (String segment : topic.split("\\.", -1)) {
            subject.append(subject.isEmpty() ? "" : ".").append(token(segment));
        }
        return subject.toString();
    }

    private static boolean isPlain(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-';
    }

    static String token(String text) {
        if (text.isEmpty()) {
            return "=";
        }
        int plain = 0;
        while (plain < text.length() && isPlain(text.charAt(plain))) {
            plain++;
        }
        if (plain == text.length()) {
            return text;
        }
        StringBuilder token = new StringBuilder(text.length() + 8);
        for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (one & 0xff);
            if (isPlain(c)) {
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
     * @param env the environment in which it is read
     * @throws EventsException {@code CORRUPT_EVENT} for a subject that is not one of ours
     */
    TenantTopic address(String env, String subject) {
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

    /** What a token stands for; {@code CORRUPT_EVENT} if it is not one of {@link #token}'s. */
    static String plain(String token) {
        return text(token, token);
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

    /** The shard of an event; of a subject that {@link #address} knows. */
    int shard(String subject) {
        String[] tokens = subject.substring(prefix.length() + 1).split("\\.", 4);
        try {
            return Integer.parseInt(tokens[2], 16);
        } catch (NumberFormatException e) {
            throw foreign(subject);
        }
    }

    /** Name of the key under which the members of a group share what they know; none of another group begins with it and a dot. */
    static String group(TenantScope scope, String name) {
        String tenant = scope instanceof TenantContext one ? one.tenant().name() : "*";
        return token(scope.env()) + "." + token(tenant) + "." + token(name);
    }

    /**
     * Subjects that hold at least what the filters ask for, none of which overlaps another one.
     *
     * @param filters all of one scope
     * @param shards those that are wanted; empty for all
     */
    List<String> filters(List<Filter> filters, Collection<Integer> shards) {
        TenantScope scope = filters.get(0).scope();
        String tenant = scope instanceof TenantContext one ? token(one.tenant().name()) : "*";
        String rest = filters.size() == 1 ? rest(filters.get(0).pattern()) : ">";
        String begin = prefix + "." + token(scope.env()) + "." + tenant + ".";
        return shards.isEmpty()
                ? List.of(begin + "*." + rest)
                : shards.stream()
                        .map(shard -> begin + shardToken(shard) + "." + rest)
                        .toList();
    }

    private static String rest(TopicPattern pattern) {
        if (pattern.isLiteral()) {
            return topic(pattern.value());
        }
        // Only whole tokens before the first wildcard are certain.
        String certain = pattern.literalPrefix();
        int dot = certain.lastIndexOf('.');
        return dot < 0 ? ">" : topic(certain.substring(0, dot)) + ".>";
    }
}

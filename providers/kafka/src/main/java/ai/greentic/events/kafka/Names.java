package ai.greentic.events.kafka;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Tenant;
import ai.greentic.events.TenantContext;
import ai.greentic.events.TenantScope;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Names of topics and groups. One to one: in a name of ours every byte outside {@code [A-Za-z0-9]} becomes {@code _XX}, so that what the
 * template has between names separates them.
 */
final class Names {
    private static final Pattern TEMPLATE =
            Pattern.compile("[A-Za-z0-9.-]*\\{env}[A-Za-z0-9.-]*[.-]\\{tenant}[A-Za-z0-9.-]*");
    private static final int LONGEST = 249;
    private final String template;

    Names(String template) {
        this.template = template;
        if (!TEMPLATE.matcher(template).matches() || template.endsWith(".") && template.length() == 1) {
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION,
                    "topic is '" + template
                            + "'; it must hold {env} and after it {tenant}, once each and with a dot or a dash"
                            + " between them, and otherwise only letters, digits, dots and dashes, as in greentic-v1-{env}-{tenant}");
        }
    }

    String topic(Tenant tenant) {
        String name = template.replace("{env}", token(tenant.env())).replace("{tenant}", token(tenant.name()));
        if (name.length() > LONGEST) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "topic " + name + " has " + name.length() + " characters; Kafka takes " + LONGEST
                            + ": shorten the template or the tenant's name");
        }
        return name;
    }

    /** The topic of an environment's dead letters; no tenant has a dash in what stands for its name. */
    String letters(String env) {
        return template.replace("{env}", token(env)).replace("{tenant}", "-letters");
    }

    /** The topics of all tenants of an environment. */
    Pattern topics(String env) {
        String[] around = template.replace("{env}", token(env)).split("\\{tenant}", -1);
        return Pattern.compile(Pattern.quote(around[0]) + "[A-Za-z0-9_]+" + Pattern.quote(around[1]));
    }

    /** Whose a topic is; null if it is none of the environment's. */
    @Nullable
    Tenant tenant(String env, String topic) {
        String[] around = template.replace("{env}", token(env)).split("\\{tenant}", -1);
        if (!topics(env).matcher(topic).matches()) {
            return null;
        }
        try {
            return new Tenant(env, text(topic.substring(around[0].length(), topic.length() - around[1].length())));
        } catch (EventsException | NumberFormatException e) {
            return null;
        }
    }

    static String group(TenantScope scope, String name) {
        String tenant = scope instanceof TenantContext one ? token(one.tenant().name()) : "*";
        return "greentic." + token(scope.env()) + "." + tenant + "." + token(name);
    }

    static String token(String text) {
        StringBuilder token = new StringBuilder(text.length());
        for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (one & 0xff);
            if (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') {
                token.append(c);
            } else {
                token.append('_')
                        .append(Character.toUpperCase(Character.forDigit(c >> 4, 16)))
                        .append(Character.toUpperCase(Character.forDigit(c & 15, 16)));
            }
        }
        return token.toString();
    }

    static String text(String token) {
        byte[] bytes = new byte[token.length()];
        int length = 0;
        for (int i = 0; i < token.length(); i++) {
            if (token.charAt(i) == '_') {
                if (i + 3 > token.length()) {
                    throw new NumberFormatException(token);
                }
                bytes[length++] = (byte) Integer.parseInt(token, i + 1, i + 3, 16);
                i += 2;
            } else {
                bytes[length++] = (byte) token.charAt(i);
            }
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }
}

package ai.greentic.events.oci;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where an artifact is: {@code oci://HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]}, as the distribution specification writes names and tags.
 *
 * @param registry host, with its port if one is given
 * @param repository path in the registry
 * @param tag default {@code latest}
 * @param digest sha256 or sha512, or null
 */
record OciReference(
        String registry,
        String repository,
        String tag,
        @Nullable String digest) {
    static final String SCHEME = "oci://";
    private static final int MAX_LENGTH = 512;
    private static final Pattern FORM =
            Pattern.compile("(?<registry>[A-Za-z0-9.-]+|\\[[0-9a-fA-F:]+])(?<port>:[0-9]{1,5})?"
                    + "/(?<repository>[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)"
                    + "(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
                    + "(?:@(?<digest>sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?");

    static OciReference parse(String text) {
        String rest = text.startsWith(SCHEME) ? text.substring(SCHEME.length()) : text;
        Matcher matcher = FORM.matcher(rest);
        if (text.length() > MAX_LENGTH || !matcher.matches()) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "'" + (text.length() > 100 ? text.substring(0, 100) + "…" : text)
                            + "' is no reference of a registry; write oci://HOST[:PORT]/REPOSITORY[:TAG] or ...@sha256:DIGEST,"
                            + " the repository in lower case");
        }
        return new OciReference(
                matcher.group("registry")
                        + Optional.ofNullable(matcher.group("port")).orElse(""),
                matcher.group("repository"),
                Optional.ofNullable(matcher.group("tag")).orElse("latest"),
                matcher.group("digest"));
    }

    /** Whether the registry is on this machine. */
    boolean isLoopback() {
        String host = registry.startsWith("[")
                ? registry.substring(1, registry.indexOf(']'))
                : registry.replaceFirst(":[0-9]+$", "");
        return host.equals("localhost") || host.matches("127(\\.[0-9]{1,3}){3}") || host.equals("::1");
    }

    /** Without the scheme; the digest wins over the tag. */
    String name() {
        return registry + "/" + repository + (digest != null ? "@" + digest : ":" + tag);
    }

    @Override
    public String toString() {
        return SCHEME + name();
    }
}

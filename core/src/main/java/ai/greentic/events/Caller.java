package ai.greentic.events;

import org.jspecify.annotations.Nullable;

/**
 * Who is acting, as the host program knows it. Access rules look at the caller, never at what an envelope says about its sender.
 *
 * @param name identity of the program or person, an identifier
 * @param team the caller's team, an identifier, or null
 * @param user the caller's user id, an identifier, or null
 */
public record Caller(
        String name, @Nullable String team, @Nullable String user) {
    /** The program that embeds the bus, when it names nobody else. */
    public static final Caller HOST = Caller.of("host");

    public Caller {
        Text.identifier("caller", name);
        if (team != null) {
            Text.identifier("caller's team", team);
        }
        if (user != null) {
            Text.identifier("caller's user", user);
        }
    }

    public static Caller of(String name) {
        return new Caller(name, null, null);
    }

    @Override
    public String toString() {
        return name;
    }
}

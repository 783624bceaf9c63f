package ai.greentic.events.cli;

import ai.greentic.events.oci.PackRegistry;
import java.io.Console;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;

/** Packs that a registry has. */
final class Fetching {
    private static final int BAR = 30;

    private Fetching() {}

    static boolean isReference(String pack) {
        return pack.startsWith("oci://");
    }

    /** Fetches into the cache of the settings, with a bar on a terminal; returns a directory of packs. */
    static Path fetch(String reference, CommonOptions common, PrintWriter err) {
        Path cache = Path.of(common.settings().text("packs.cache_dir").orElse(".greentic/cache/packs"));
        PackRegistry registry = PackRegistry.withCache(cache);
        if (common.plainHttp) {
            registry = registry.plainHttp();
        }
        if (!isOnTerminal()) {
            return registry.pull(reference);
        }
        boolean[] drawn = new boolean[1];
        try {
            return registry.progress((name, bytes, all) -> {
                        drawn[0] = true;
                        draw(err, name, bytes, all);
                    })
                    .pull(reference);
        } finally {
            if (drawn[0]) {
                err.println();
            }
        }
    }

    /** From JDK 22 on there is a console also where there is no terminal, and it says so. */
    private static boolean isOnTerminal() {
        return Optional.ofNullable(System.console())
                .map(console -> {
                    try {
                        return (Boolean) Console.class.getMethod("isTerminal").invoke(console);
                    } catch (ReflectiveOperationException older) {
                        return true;
                    }
                })
                .orElse(false);
    }

    private static void draw(PrintWriter err, String name, long bytes, long all) {
        int done = all == 0 ? BAR : (int) (bytes * BAR / all);
        err.print("\r[" + "#".repeat(done) + " ".repeat(BAR - done) + "] " + bytes / 1024 + " of " + all / 1024
                + " KiB  " + (name.length() > 40 ? "…" + name.substring(name.length() - 39) : name));
        err.flush();
    }
}

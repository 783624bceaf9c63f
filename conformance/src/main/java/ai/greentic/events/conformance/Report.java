package ai.greentic.events.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a run of a kit found, as a file of tab-separated lines, {@code kind, name, result, account}, in {@code target/conformance}: the
 * support matrix is made of these. Thread-safe.
 */
final class Report {
    private static final Map<String, Report> REPORTS = new TreeMap<>();

    private final Path file;
    private final Set<String> capabilities = new TreeSet<>();
    private final Map<String, String> lines = Collections.synchronizedMap(new TreeMap<>());

    private Report(Path file) {
        this.file = file;
    }

    /** The report of a test class. */
    static synchronized Report of(Class<?> kit) {
        return REPORTS.computeIfAbsent(
                kit.getSimpleName(),
                name -> new Report(
                        Path.of(System.getProperty("conformance.report", "target/conformance"), name + ".tsv")));
    }

    synchronized void declared(Set<?> which) {
        which.forEach(capability -> capabilities.add(capability.toString()));
    }

    void ended(String test, boolean passed, String account) {
        lines.put(test, (passed ? "passed" : "failed") + "\t" + account);
    }

    synchronized void write() {
        List<String> text = new ArrayList<>();
        capabilities.forEach(capability -> text.add("capability\t" + capability + "\tdeclared\t"));
        synchronized (lines) {
            lines.forEach((test, result) -> text.add("test\t" + test + "\t" + result));
        }
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.write(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

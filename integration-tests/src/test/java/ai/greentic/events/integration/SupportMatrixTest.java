package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.spi.Capability;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The support matrix of docs/providers.md is what the runs of the conformance kit found, in this very build. */
class SupportMatrixTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
    private static final String BEGIN = "<!-- found by the kits: do not edit -->";
    private static final String END = "<!-- end of what the kits found -->";

    /** Column, then where the run of its kit left its report. */
    private static final Map<String, String> REPORTS = new LinkedHashMap<>();

    static {
        REPORTS.put("memory", "conformance/target/conformance/MemoryConformanceTest.tsv");
        REPORTS.put("embedded", "providers/embedded/target/conformance/EmbeddedConformanceTest.tsv");
        REPORTS.put("nats", "providers/nats/target/conformance/NatsConformanceTest.tsv");
        REPORTS.put(
                "nats, mode shared, durability power-loss",
                "providers/nats/target/conformance/NatsSharedConformanceTest.tsv");
        REPORTS.put("nats, mode core", "providers/nats/target/conformance/NatsCoreConformanceTest.tsv");
        REPORTS.put("kafka", "providers/kafka/target/conformance/KafkaConformanceTest.tsv");
        REPORTS.put("process", "runner/target/conformance/RunnerConformanceTest.tsv");
        REPORTS.put("lines (example)", "examples/target/conformance/LinesConformanceTest.tsv");
    }

    private record Run(Set<String> capabilities, Map<String, Integer> passed, Map<String, Integer> failed) {}

    private static Run run(String file) throws IOException {
        Path report = ROOT.resolve(file);
        assertThat(report)
                .as("the report of a kit's run; build and test everything, so that the kits run first")
                .exists();
        Run run = new Run(new TreeSet<>(), new TreeMap<>(), new TreeMap<>());
        for (String line : Files.readAllLines(report)) {
            String[] parts = line.split("\t", -1);
            if (parts[0].equals("capability")) {
                run.capabilities.add(parts[1]);
            } else {
                String group = parts[1].substring(0, parts[1].indexOf('.'));
                (parts[2].equals("passed") ? run.passed : run.failed).merge(group, 1, Integer::sum);
            }
        }
        return run;
    }

    @Test
    void theSupportMatrixIsWhatTheKitsFound() throws IOException {
        Map<String, Run> runs = new LinkedHashMap<>();
        for (Map.Entry<String, String> report : REPORTS.entrySet()) {
            runs.put(report.getKey(), run(report.getValue()));
        }
        StringBuilder text = new StringBuilder(BEGIN + "\n\n");
        header(text, "Capability", runs.keySet());
        for (Capability capability : Capability.values()) {
            text.append("| `").append(capability).append("` |");
            runs.values().forEach(run -> text.append(run.capabilities.contains(capability.name()) ? " yes |" : " – |"));
            text.append("\n");
        }
        text.append("\n");
        header(text, "Tests passed", runs.keySet());
        Set<String> groups = new TreeSet<>();
        runs.values().forEach(run -> groups.addAll(run.passed.keySet()));
        for (String group : groups) {
            text.append("| ").append(group).append(" |");
            runs.values().forEach(run -> {
                int passed = run.passed.getOrDefault(group, 0);
                text.append(" ")
                        .append(passed)
                        .append(" of ")
                        .append(passed + run.failed.getOrDefault(group, 0))
                        .append(" |");
            });
            text.append("\n");
        }
        text.append("\n").append(END);
        Path page = ROOT.resolve("docs/providers.md");
        String old = Files.readString(page);
        String fresh = old.substring(0, old.indexOf(BEGIN)) + text + old.substring(old.indexOf(END) + END.length());
        if (Boolean.getBoolean("update.docs")) {
            Files.writeString(page, fresh);
        }
        assertThat(Files.readString(page))
                .as("stale: write it anew, see CONTRIBUTING.md")
                .isEqualTo(fresh);
        assertThat(runs.values()).allMatch(run -> run.failed.isEmpty());
    }

    private static void header(StringBuilder text, String first, Set<String> columns) {
        text.append("| ")
                .append(first)
                .append(" | ")
                .append(String.join(" | ", columns))
                .append(" |\n|---|");
        text.append("---|".repeat(columns.size())).append("\n");
    }

    /** A report that is missing or old would prove nothing: every kit ran all its groups. */
    @Test
    void everyKitRanAllItsGroups() throws IOException {
        for (String report : List.copyOf(REPORTS.values())) {
            assertThat(run(report).passed.keySet()).hasSize(16);
        }
    }
}

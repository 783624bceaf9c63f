package ai.greentic.events.harness;

import ai.greentic.events.Payload;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.PrettyPrinter;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.core.util.Separators;

/**
 * How packs did.
 *
 * @param packs in the order in which they were tried
 */
public record Report(List<PackResult> packs) {
    private static final JsonFactory JSON = JsonFactory.builder().build();
    private static final Separators SEPARATORS =
            Separators.createDefaultInstance().withObjectNameValueSpacing(Separators.Spacing.AFTER);

    /** How a stage, or a pack, did. */
    public enum Outcome {
        PASS,
        FAIL,
        /** Nothing of the pack asks for it. */
        SKIP;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What is tried of a pack, in this order. */
    public enum Stage {
        /** What the pack says that it needs. */
        REQUIREMENTS,
        /** Whether what is to be provisioned gives it that. */
        SETUP,
        /** Messages that become events. */
        INGEST,
        /** Events that become messages. */
        EMIT,
        /** Events that are published and come. */
        SUBSCRIPTIONS;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * Something to know about a pack.
     *
     * @param stage null if it is about all of it
     */
    public record Diagnostic(@Nullable Stage stage, String message) {}

    /**
     * How a pack did.
     *
     * @param pack its id; of one that cannot be read, the name of its file
     * @param version {@code unknown} if it cannot be read
     * @param stages each of them
     * @param diagnostics what went wrong, and what is worth knowing
     * @param millis how long it took
     */
    public record PackResult(
            String pack, String version, Map<Stage, Outcome> stages, List<Diagnostic> diagnostics, long millis) {
        public PackResult {
            stages = java.util.Collections.unmodifiableMap(new java.util.EnumMap<>(stages));
            diagnostics = List.copyOf(diagnostics);
        }

        /** Fail if any stage failed, skip if all were skipped, else pass. */
        public Outcome outcome() {
            if (stages.containsValue(Outcome.FAIL)) {
                return Outcome.FAIL;
            }
            return stages.containsValue(Outcome.PASS) ? Outcome.PASS : Outcome.SKIP;
        }
    }

    public Report {
        packs = List.copyOf(packs);
    }

    /** How many packs did so. */
    public long count(Outcome outcome) {
        return packs.stream().filter(pack -> pack.outcome() == outcome).count();
    }

    /** The report as the original harness writes it, for people too. */
    public String json() {
        Map<String, Object> summary = new LinkedHashMap<>();
        summary.put("total", packs.size());
        for (Outcome outcome : Outcome.values()) {
            summary.put(outcome.word(), count(outcome));
        }
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("summary", summary);
        report.put("packs", packs.stream().map(Report::tree).toList());
        return pretty(Payload.of(report));
    }

    private static Map<String, Object> tree(PackResult result) {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("pack", result.pack());
        tree.put("version", result.version());
        tree.put("status", result.outcome().word());
        Map<String, Object> stages = new LinkedHashMap<>();
        result.stages().forEach((stage, outcome) -> stages.put(stage.word(), outcome.word()));
        tree.put("stages", stages);
        tree.put(
                "diagnostics",
                result.diagnostics().stream()
                        .map(diagnostic -> {
                            Map<String, @Nullable Object> one = new LinkedHashMap<>();
                            Stage stage = diagnostic.stage();
                            one.put("stage", stage == null ? null : stage.word());
                            one.put("message", diagnostic.message());
                            return one;
                        })
                        .toList());
        tree.put("timing_ms", Map.of("total", result.millis()));
        return tree;
    }

    private static String pretty(Payload document) {
        DefaultPrettyPrinter.Indenter lines = new DefaultIndenter("  ", "\n");
        DefaultPrettyPrinter printer =
                new DefaultPrettyPrinter(SEPARATORS).withObjectIndenter(lines).withArrayIndenter(lines);
        ObjectWriteContext context = new ObjectWriteContext.Base() {
            @Override
            public PrettyPrinter getPrettyPrinter() {
                return printer;
            }
        };
        StringWriter out = new StringWriter();
        try (JsonParser in = JSON.createParser(ObjectReadContext.empty(), document.toBytes());
                JsonGenerator generator = JSON.createGenerator(context, out)) {
            in.nextToken();
            generator.copyCurrentStructure(in);
        }
        return out.toString();
    }
}

package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.cli.Main;
import ai.greentic.events.spi.ProviderFactory;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A provider that is not part of the product, compiled here, in a jar of its own, beside one that cannot be loaded. */
class ProviderPathTest {
    private static final String FACTORY = """
            package lines;

            import ai.greentic.events.spi.Capability;
            import ai.greentic.events.spi.EventProvider;
            import ai.greentic.events.spi.OutboundEvent;
            import ai.greentic.events.spi.ProviderContext;
            import ai.greentic.events.spi.ProviderFactory;
            import ai.greentic.events.spi.ProviderSettings;
            import ai.greentic.events.spi.ProviderSubscription;
            import ai.greentic.events.spi.PublishOutcome;
            import ai.greentic.events.spi.SettingsSchema;
            import ai.greentic.events.spi.SubscribeRequest;
            import java.util.ArrayList;
            import java.util.EnumSet;
            import java.util.List;
            import java.util.Set;
            import java.util.concurrent.CompletableFuture;
            import java.util.concurrent.CompletionStage;

            public final class LinesFactory implements ProviderFactory {
                public String transport() { return "lines"; }
                public SettingsSchema settings() {
                    return SettingsSchema.of(SettingsSchema.Setting.of("prefix", SettingsSchema.Type.TEXT, "> ", "Before each line."));
                }
                public Set<Capability> capabilities(ProviderSettings settings) { return EnumSet.of(Capability.PUBLISH); }
                public EventProvider create(ProviderSettings settings, ProviderContext context) {
                    String prefix = settings.text("prefix").orElseThrow();
                    return new EventProvider() {
                        public List<CompletionStage<PublishOutcome>> publish(List<OutboundEvent> batch) {
                            List<CompletionStage<PublishOutcome>> outcomes = new ArrayList<>();
                            for (OutboundEvent event : batch) {
                                System.setProperty("lines.last", prefix + new String(event.encoded()));
                                outcomes.add(CompletableFuture.completedFuture(PublishOutcome.accepted()));
                            }
                            return outcomes;
                        }
                        public ProviderSubscription subscribe(SubscribeRequest request) { throw new UnsupportedOperationException(); }
                        public void close() {}
                    };
                }
            }
            """;

    @TempDir
    Path directory;

    /** What is a module's to provide must be named for the class path as well. */
    @Test
    void everyTransportIsFoundOnTheClassPath() {
        assertThat(ServiceLoader.load(ProviderFactory.class).stream()
                        .map(factory -> factory.get().transport()))
                .contains("embedded", "kafka", "nats");
    }

    @Test
    void aJarBringsATransportAndABrokenOneDoesNoHarm() throws IOException {
        Path source = Files.createDirectories(directory.resolve("src/lines")).resolve("LinesFactory.java");
        Files.writeString(source, FACTORY);
        Path classes = Files.createDirectories(directory.resolve("classes"));
        StringWriter complaints = new StringWriter();
        var compiler = ToolProvider.getSystemJavaCompiler();
        boolean compiled = compiler.getTask(
                        complaints,
                        null,
                        null,
                        java.util.List.of(
                                "-d", classes.toString(), "-cp", System.getProperty("java.class.path"), "-proc:none"),
                        null,
                        compiler.getStandardFileManager(null, null, null).getJavaFileObjects(source))
                .call();
        assertThat(compiled).as(complaints.toString()).isTrue();
        Map<String, byte[]> entries = new TreeMap<>();
        try (Stream<Path> files = Files.walk(classes)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                entries.put(classes.relativize(file).toString(), Files.readAllBytes(file));
            }
        }
        String service = "META-INF/services/ai.greentic.events.spi.ProviderFactory";
        entries.put(service, "lines.LinesFactory\n".getBytes(StandardCharsets.UTF_8));
        Path good = jar("good.jar", entries);
        Path broken = jar("broken.jar", Map.of(service, "lines.NoSuchFactory\n".getBytes(StandardCharsets.UTF_8)));
        Files.writeString(
                directory.resolve("pack.yaml"),
                "id: p\nversion: 1\nevents: {providers: [{name: l, kind: sink, component: c,"
                        + " capabilities: {transport: lines, topics: ['log.*']}}]}\n");
        Path config = Files.writeString(directory.resolve("c.toml"), "events.providers.l.prefix = \"* \"\n");
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int status = Main.run(
                new PrintWriter(out),
                new PrintWriter(err),
                "publish",
                "--strict",
                "--provider-path",
                broken.toString(),
                "--provider-path",
                good.toString(),
                "--config",
                config.toString(),
                "--pack",
                directory.toString(),
                "--tenant",
                "acme",
                "log.line",
                "{\"n\":1.10}");
        assertThat(status).as(err.toString()).isZero();
        assertThat(System.getProperty("lines.last")).startsWith("* {\"id\":").contains("{\"n\":1.10}");
    }

    private Path jar(String name, Map<String, byte[]> entries) throws IOException {
        Path file = directory.resolve(name);
        try (OutputStream out = Files.newOutputStream(file);
                JarOutputStream jar = new JarOutputStream(out)) {
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                jar.putNextEntry(new JarEntry(entry.getKey()));
                jar.write(entry.getValue());
                jar.closeEntry();
            }
        }
        return file;
    }
}

package ai.greentic.events.cli;

import ai.greentic.events.pack.Pack;
import ai.greentic.events.pack.PackBuilder;
import ai.greentic.events.pack.PackSigner;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "pack",
        description = "Build and sign archives of packs.",
        mixinStandardHelpOptions = true,
        subcommands = {PackCommand.Build.class, PackCommand.Sign.class})
final class PackCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @SuppressWarnings("NullAway.Init")
    PackCommand() {}

    @Override
    public Integer call() {
        throw new ParameterException(spec.commandLine(), "pack needs build or sign");
    }

    @Command(
            name = "build",
            description =
                    "Make a .gtpack archive of a directory with pack.yaml (layout A); the same files, the same bytes.",
            mixinStandardHelpOptions = true)
    static final class Build implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Parameters(index = "0", paramLabel = "DIR", description = "Directory of the pack.")
        private Path directory;

        @Option(
                names = {"-o", "--output"},
                paramLabel = "FILE",
                description = "Archive to write; default ID.gtpack here. It is replaced if it is there.")
        private @Nullable Path output;

        @SuppressWarnings("NullAway.Init")
        Build() {}

        @Override
        public Integer call() {
            Path archive =
                    output == null ? Path.of(fileName(Pack.open(directory).id()) + ".gtpack") : output;
            PackBuilder.build(directory, archive);
            spec.commandLine().getOut().println("wrote " + archive);
            return 0;
        }

        /** An id is free text; a file's name is not. */
        private static String fileName(String id) {
            String plain = id.replaceAll("[^A-Za-z0-9._-]", "_");
            return plain.startsWith(".") ? "_" + plain : plain;
        }
    }

    @Command(
            name = "sign",
            description = "Sign a .gtpack archive with an Ed25519 key, for those who trust its certificate.",
            mixinStandardHelpOptions = true)
    static final class Sign implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Parameters(index = "0", paramLabel = "FILE", description = "Archive to sign.")
        private Path archive;

        @Option(
                names = "--key",
                paramLabel = "FILE",
                required = true,
                description = "PEM file of the private key: Ed25519, PKCS #8, not encrypted.")
        private Path key;

        @Option(
                names = "--chain",
                paramLabel = "FILE",
                required = true,
                description = "PEM file with the key's certificate, then those that vouch for it.")
        private Path chain;

        @Option(
                names = {"-o", "--output"},
                paramLabel = "FILE",
                description = "Signed archive to write; default: the same file.")
        private @Nullable Path output;

        @Option(
                names = "--signed-at",
                paramLabel = "TIME",
                description =
                        "When it is said to be signed, as 2026-01-31T12:00:00Z; default now. The same time, the same bytes.")
        private @Nullable Instant at;

        @SuppressWarnings("NullAway.Init")
        Sign() {}

        @Override
        public Integer call() {
            Path signed = output == null ? archive : output;
            PackSigner.of(key, chain).sign(archive, signed, at == null ? Instant.now() : at);
            spec.commandLine().getOut().println("signed " + signed);
            return 0;
        }
    }
}

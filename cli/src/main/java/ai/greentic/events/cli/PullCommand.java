package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.pack.Pack;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "pull",
        description =
                "Fetch packs from an OCI registry, with the credentials of docker login; what is in the cache is not fetched again.",
        mixinStandardHelpOptions = true)
final class PullCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "REFERENCE",
            description = "oci://HOST[:PORT]/REPOSITORY[:TAG][@DIGEST]; the scheme may be left out.")
    private String reference;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "DIR",
            description = "Also copy the packs there; default they stay in the cache. Existing files are replaced.")
    private @Nullable Path output;

    @SuppressWarnings("NullAway.Init")
    PullCommand() {}

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        CommonOptions common = Main.common(spec);
        Path fetched = Fetching.fetch(reference, common, spec.commandLine().getErr());
        // Whether they are packs, and whose, is said before anybody uses them.
        List<Pack> packs = Pack.openAll(fetched, PackOptions.trust(common));
        for (Pack pack : packs) {
            Path place = output == null ? pack.location() : copy(fetched, pack.location(), output);
            out.println(place + ": " + pack.id() + " " + pack.version() + " ("
                    + pack.verification().status().name().toLowerCase(java.util.Locale.ROOT) + ")");
        }
        return 0;
    }

    private static Path copy(Path root, Path pack, Path output) {
        try {
            Path target = output.resolve(root.relativize(pack).toString());
            Files.createDirectories(target.toAbsolutePath().getParent());
            Files.copy(pack, target, StandardCopyOption.REPLACE_EXISTING);
            return target;
        } catch (IOException e) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT, "--output " + output + " cannot be written: " + e.getMessage(), e);
        }
    }
}

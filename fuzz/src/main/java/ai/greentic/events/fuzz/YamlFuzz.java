package ai.greentic.events.fuzz;

import ai.greentic.events.EventsException;
import ai.greentic.events.pack.Pack;
import ai.greentic.events.pack.PackTrust;
import ai.greentic.events.pack.PackValidator;
import java.nio.file.Path;
import java.util.List;

/** {@code pack.yaml} of both layouts, read and validated. */
public final class YamlFuzz {
    private static final Path PACK = Places.directory();

    private YamlFuzz() {}

    public static void fuzzerTestOneInput(byte[] input) {
        Places.write(PACK.resolve("pack.yaml"), input);
        boolean used;
        try {
            Pack pack = Pack.open(PACK);
            used = !pack.id().isBlank();
            if (!used) {
                throw new AssertionError("a pack without an id was taken");
            }
        } catch (EventsException refused) {
            used = false;
        }
        var reports = PackValidator.validate(List.of(PACK), PackTrust.lenient());
        boolean errors = reports.stream()
                .flatMap(report -> report.findings().stream())
                .anyMatch(finding -> finding.code().equals("EVT_PACK_UNREADABLE")
                        || finding.code().equals("EVT_MANIFEST_INVALID"));
        if (used && errors) {
            throw new AssertionError("the validator cannot read what is used: " + reports);
        }
    }
}

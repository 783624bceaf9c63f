package ai.greentic.events.runner;

import java.util.List;
import java.util.stream.Collectors;

/** An install cannot be used, for every one of these reasons. */
public final class InstallException extends Exception {
    private static final long serialVersionUID = 1;

    private final transient List<InstallDiagnostic> diagnostics;

    InstallException(List<InstallDiagnostic> diagnostics) {
        super(diagnostics.stream().map(InstallDiagnostic::message).collect(Collectors.joining("; ")));
        this.diagnostics = List.copyOf(diagnostics);
    }

    /** At least one. */
    public List<InstallDiagnostic> diagnostics() {
        return diagnostics;
    }
}

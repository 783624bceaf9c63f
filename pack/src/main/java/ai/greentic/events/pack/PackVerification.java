package ai.greentic.events.pack;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a pack's origin is worth.
 *
 * @param status how far it can be trusted
 * @param signer BLAKE3 of the public key that signed it, in hexadecimal, or null if none did
 * @param warnings what is wrong, one sentence each
 */
public record PackVerification(Status status, @Nullable String signer, List<String> warnings) {
    /** How far a pack can be trusted. */
    public enum Status {
        /** A directory: there is nothing to verify. */
        DIRECTORY,
        /** The archive's files do not agree with its list of them, or its signature is wrong. */
        FAILED,
        /** Its files are those of its list, which nobody signed. */
        UNSIGNED,
        /** Signed by somebody whom {@link PackTrust} does not know. */
        UNTRUSTED,
        /** Signed, and the signer is trusted. */
        TRUSTED
    }

    public PackVerification {
        warnings = List.copyOf(warnings);
    }
}

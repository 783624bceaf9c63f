package ai.greentic.events.pack;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whose packs are taken. Lenient at first: every pack that can be read is, and what speaks against it is told. Strict: an archive must
 * be whole and signed by somebody trusted, directly or by a chain of certificates that are valid today. Immutable.
 */
public final class PackTrust {
    private static final int MAX_FILE_BYTES = 1 << 20;
    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN (CERTIFICATE|PUBLIC KEY)-----([A-Za-z0-9+/=\\s]*)-----END \\1-----");

    private final boolean strict;
    private final boolean archivesOnly;
    private final List<X509Certificate> certificates;
    private final List<PublicKey> keys;

    private PackTrust(boolean strict, boolean archivesOnly, List<X509Certificate> certificates, List<PublicKey> keys) {
        this.strict = strict;
        this.archivesOnly = archivesOnly;
        this.certificates = List.copyOf(certificates);
        this.keys = List.copyOf(keys);
    }

    /** Takes every pack, and trusts nobody yet. */
    public static PackTrust lenient() {
        return new PackTrust(false, false, List.of(), List.of());
    }

    /** The same, but archives must be whole and signed by somebody trusted; directories are taken. */
    public PackTrust strict() {
        return new PackTrust(true, archivesOnly, certificates, keys);
    }

    /** The same, strict, and directories, which nobody can sign, are refused. */
    public PackTrust archivesOnly() {
        return new PackTrust(true, true, certificates, keys);
    }

    /**
     * Trusts besides whatever is in a PEM file: certificates, and all that they vouch for, and public keys (Ed25519).
     *
     * @throws EventsException {@code INVALID_CONFIGURATION} if it cannot be read or holds neither
     */
    public PackTrust trusting(Path pem) {
        List<X509Certificate> certificates = new ArrayList<>(this.certificates);
        List<PublicKey> keys = new ArrayList<>(this.keys);
        Matcher blocks = BLOCK.matcher(text(pem));
        boolean any = false;
        while (blocks.find()) {
            any = true;
            try {
                byte[] der = Base64.getMimeDecoder().decode(blocks.group(2));
                if ("PUBLIC KEY".equals(blocks.group(1))) {
                    keys.add(KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(der)));
                } else {
                    Certificate certificate =
                            CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
                    certificates.add((X509Certificate) certificate);
                }
            } catch (GeneralSecurityException | IllegalArgumentException e) {
                throw new EventsException(
                        ErrorCode.INVALID_CONFIGURATION,
                        pem + " has a " + blocks.group(1) + " that cannot be read: " + e.getMessage(),
                        e);
            }
        }
        if (!any) {
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION,
                    pem + " holds neither a CERTIFICATE nor a PUBLIC KEY in PEM; openssl writes both");
        }
        return new PackTrust(strict, archivesOnly, certificates, keys);
    }

    private static String text(Path pem) {
        try (InputStream in = Files.newInputStream(pem)) {
            byte[] bytes = in.readNBytes(MAX_FILE_BYTES + 1);
            if (bytes.length > MAX_FILE_BYTES) {
                throw new IOException("it is larger than " + MAX_FILE_BYTES + " bytes");
            }
            return new String(bytes, StandardCharsets.US_ASCII);
        } catch (IOException e) {
            throw new EventsException(
                    ErrorCode.INVALID_CONFIGURATION, "trusted keys " + pem + " cannot be read: " + e.getMessage(), e);
        }
    }

    boolean isStrict() {
        return strict;
    }

    boolean takesDirectories() {
        return !archivesOnly;
    }

    List<X509Certificate> certificates() {
        return certificates;
    }

    List<PublicKey> keys() {
        return keys;
    }
}

package ai.greentic.events.pack;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.codec.binary.Hex;

/**
 * Signs archives with an Ed25519 key. The same archive, key, certificates and time give the same bytes. The key is read, used and
 * forgotten; it stands in no message. Thread-safe.
 */
public final class PackSigner {
    private static final int MAX_FILE_BYTES = 1 << 16;
    private static final Pattern KEY =
            Pattern.compile("-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\\s]*)-----END PRIVATE KEY-----");

    private final PrivateKey key;
    private final X509Certificate signer;
    private final byte[] chain;

    private PackSigner(PrivateKey key, X509Certificate signer, byte[] chain) {
        this.key = key;
        this.signer = signer;
        this.chain = chain;
    }

    /**
     * @param key PEM file with an Ed25519 key, PKCS #8 and not encrypted
     * @param chain PEM file with its certificate, and those that vouch for it in order
     * @throws EventsException {@code INVALID_ARGUMENT} if a file cannot be used, or the certificate is of another key
     */
    public static PackSigner of(Path key, Path chain) {
        Matcher block = KEY.matcher(new String(read(key), StandardCharsets.US_ASCII));
        if (!block.find()) {
            throw refused(key, "has no PRIVATE KEY in PEM (PKCS #8, not encrypted)", null);
        }
        byte[] certificates = read(chain);
        try {
            PrivateKey secret = KeyFactory.getInstance("Ed25519")
                    .generatePrivate(
                            new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(block.group(1))));
            X509Certificate signer = (X509Certificate)
                    CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(certificates));
            PackSigner made = new PackSigner(secret, signer, certificates);
            Signature check = Signature.getInstance("Ed25519");
            check.initVerify(signer);
            check.update(certificates);
            if (!check.verify(made.sign(certificates))) {
                throw refused(chain, "begins with the certificate of another key than " + key, null);
            }
            return made;
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            // Their messages may hold parts of the key.
            throw refused(key, "and " + chain + " are no Ed25519 key and its certificate", null);
        }
    }

    private static byte[] read(Path file) {
        try {
            if (Files.size(file) > MAX_FILE_BYTES) {
                throw refused(file, "is larger than " + MAX_FILE_BYTES + " bytes", null);
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw refused(file, "cannot be read: " + e.getClass().getSimpleName(), e);
        }
    }

    private static EventsException refused(Path file, String why, @org.jspecify.annotations.Nullable Throwable cause) {
        return new EventsException(ErrorCode.INVALID_ARGUMENT, file + " " + why, cause);
    }

    private byte[] sign(byte[] bytes) throws GeneralSecurityException {
        Signature signature = Signature.getInstance("Ed25519");
        signature.initSign(key);
        signature.update(bytes);
        return signature.sign();
    }

    /**
     * Signs an archive whose files are those of its list; an older signature is replaced.
     *
     * @param signed where the signed archive goes; may be the same
     * @param at when it is said to be signed
     * @throws EventsException {@code INVALID_PACK} if the archive cannot be read or is not whole
     */
    public void sign(Path archive, Path signed, Instant at) {
        SortedMap<String, byte[]> files = new TreeMap<>();
        SortedMap<String, String> hashes = new TreeMap<>();
        String listName;
        PackVerification before =
                ArchiveReader.read(archive, PackTrust.lenient()).verification();
        if (before.status() == PackVerification.Status.FAILED) {
            throw EventsException.several(
                    ErrorCode.INVALID_PACK, "archive " + archive + " is not signed", before.warnings());
        }
        try (Archive read = Archive.open(archive)) {
            listName = ArchiveReader.listName(read);
            read.files()
                    .keySet()
                    .forEach(path -> files.put(path, read.bytes(path).orElseThrow()));
            files.remove(PackSignature.FILE);
            files.remove(PackSignature.CHAIN);
            read.files().forEach((path, file) -> {
                if (files.containsKey(path) && !path.equals(listName)) {
                    hashes.put(path, file.blake3());
                }
            });
        }
        byte[] digest = PackSignature.digest(
                java.util.Objects.requireNonNull(files.get(ArchiveReader.MANIFEST)),
                java.util.Objects.requireNonNull(files.get(listName)),
                hashes);
        files.put(PackSignature.FILE, Documents.json(signature(digest, at)));
        files.put(PackSignature.CHAIN, chain);
        ArchiveWriter.write(files, signed);
    }

    private Map<String, Object> signature(byte[] digest, Instant at) {
        Map<String, Object> signature = new LinkedHashMap<>();
        try {
            signature.put("alg", "ed25519");
            signature.put("sig", Base64.getUrlEncoder().withoutPadding().encodeToString(sign(digest)));
            signature.put("digest", Hex.encodeHexString(digest));
            signature.put("signed_at_utc", at.truncatedTo(ChronoUnit.SECONDS).toString());
            signature.put("key_fingerprint", PackSignature.fingerprint(signer.getPublicKey()));
        } catch (GeneralSecurityException e) {
            throw new EventsException(ErrorCode.INTERNAL_ERROR, "signing failed", null);
        }
        return signature;
    }
}

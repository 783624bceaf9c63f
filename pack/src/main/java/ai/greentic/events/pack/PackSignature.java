package ai.greentic.events.pack;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertPathValidator;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.interfaces.EdECPublicKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import org.apache.commons.codec.binary.Hex;
import org.apache.commons.codec.digest.Blake3;
import org.jspecify.annotations.Nullable;

/** The signature of an archive: Ed25519 over a BLAKE3 of manifest and file list, and the certificates of who made it. */
final class PackSignature {
    static final String FILE = "signatures/pack.sig";
    static final String CHAIN = "signatures/chain.pem";
    /** What the original's tools sign with when nobody gave them a key; everybody can make such a certificate. */
    private static final String THROW_AWAY = "CN=greentic-dev-local";

    private static final int MAX_CHAIN_BYTES = 1 << 16;
    private static final int MAX_CHAIN = 10;

    private PackSignature() {}

    /** The 32 bytes that are signed. */
    static byte[] digest(byte[] manifest, byte[] list, SortedMap<String, String> hashes) {
        Blake3 digest = Blake3.initHash();
        digest.update(manifest);
        digest.update(list);
        hashes.forEach((path, hash) -> digest.update((path + "\n" + hash).getBytes(StandardCharsets.UTF_8)));
        return digest.doFinalize(32);
    }

    /** BLAKE3 of the 32 bytes of an Ed25519 key, in hexadecimal. */
    static String fingerprint(PublicKey key) {
        byte[] encoded = key.getEncoded();
        // RFC 8410: the key is the end of its SubjectPublicKeyInfo.
        return Archive.blake3(Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length));
    }

    /**
     * @param warnings takes what speaks against the signature
     * @param digest what should have been signed
     */
    static PackVerification verify(
            @Nullable Tree signature, byte @Nullable [] pem, byte[] digest, PackTrust trust, List<String> warnings) {
        if (signature == null || pem == null) {
            warnings.add("it is not signed: " + (signature == null ? FILE : CHAIN) + " is missing");
            return new PackVerification(PackVerification.Status.UNSIGNED, null, warnings);
        }
        List<X509Certificate> chain = chain(pem, warnings);
        if (chain.isEmpty() || !isSigned(signature, chain.get(0).getPublicKey(), digest, warnings)) {
            return new PackVerification(PackVerification.Status.FAILED, null, warnings);
        }
        String why = whyUntrusted(chain, trust);
        if (why != null) {
            warnings.add(why);
        }
        return new PackVerification(
                why == null ? PackVerification.Status.TRUSTED : PackVerification.Status.UNTRUSTED,
                fingerprint(chain.get(0).getPublicKey()),
                warnings);
    }

    private static List<X509Certificate> chain(byte[] pem, List<String> warnings) {
        List<X509Certificate> chain = new ArrayList<>();
        try {
            if (pem.length > MAX_CHAIN_BYTES) {
                throw new GeneralSecurityException("it is larger than " + MAX_CHAIN_BYTES + " bytes");
            }
            Collection<? extends Certificate> read =
                    CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(pem));
            read.forEach(certificate -> chain.add((X509Certificate) certificate));
            if (chain.isEmpty() || chain.size() > MAX_CHAIN) {
                throw new GeneralSecurityException("it has " + chain.size() + " certificates, not 1 to " + MAX_CHAIN);
            }
            if (!(chain.get(0).getPublicKey() instanceof EdECPublicKey key)
                    || !key.getParams().getName().equals("Ed25519")) {
                throw new GeneralSecurityException("its first certificate has no Ed25519 key");
            }
            return chain;
        } catch (GeneralSecurityException e) {
            warnings.add(CHAIN + " cannot be used: " + e.getMessage());
            return List.of();
        }
    }

    private static boolean isSigned(Tree signature, PublicKey key, byte[] digest, List<String> warnings) {
        String algorithm = field(signature, "alg");
        if (!algorithm.equals("ed25519")) {
            warnings.add(FILE + " is made by '" + algorithm + "'; only ed25519 is known");
            return false;
        }
        if (!field(signature, "digest").equals(Hex.encodeHexString(digest))) {
            warnings.add(FILE + " is for other contents than these; manifest, list or a file was changed");
            return false;
        }
        String fingerprint = field(signature, "key_fingerprint");
        if (!fingerprint.isEmpty() && !fingerprint.equals(fingerprint(key))) {
            warnings.add(FILE + " names another key than that of " + CHAIN);
            return false;
        }
        try {
            Signature check = Signature.getInstance("Ed25519");
            check.initVerify(key);
            check.update(digest);
            if (check.verify(Base64.getUrlDecoder().decode(field(signature, "sig")))) {
                return true;
            }
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            warnings.add(FILE + " cannot be read: " + e.getMessage());
            return false;
        }
        warnings.add(FILE + " was not made with the key of " + CHAIN);
        return false;
    }

    private static String field(Tree signature, String name) {
        return signature.isMapping() ? signature.text(name).orElse("") : "";
    }

    /** Why the signer is not trusted, or null if it is. */
    private static @Nullable String whyUntrusted(List<X509Certificate> chain, PackTrust trust) {
        X509Certificate signer = chain.get(0);
        if (signer.getSubjectX500Principal().getName().equals(THROW_AWAY)) {
            return "it is signed with a throw-away key of a development machine (" + THROW_AWAY + ")";
        }
        try {
            signer.checkValidity();
            boolean[] usage = signer.getKeyUsage();
            if (usage != null && !usage[0]) {
                return "the signer's certificate is not meant for signatures";
            }
            if (trust.keys().contains(signer.getPublicKey())
                    || trust.certificates().contains(signer)) {
                return null;
            }
            if (trust.certificates().isEmpty()) {
                return "its signer " + signer.getSubjectX500Principal() + " is not amongst those trusted";
            }
            Set<TrustAnchor> anchors = new HashSet<>();
            trust.certificates().forEach(certificate -> anchors.add(new TrustAnchor(certificate, null)));
            PKIXParameters rules = new PKIXParameters(anchors);
            // There is no list of withdrawn certificates to ask; take a key out of the trusted ones instead.
            rules.setRevocationEnabled(false);
            List<X509Certificate> path = new ArrayList<>(chain);
            path.removeAll(trust.certificates());
            CertPathValidator.getInstance("PKIX")
                    .validate(CertificateFactory.getInstance("X.509").generateCertPath(path), rules);
            return null;
        } catch (GeneralSecurityException e) {
            return "its signer " + signer.getSubjectX500Principal() + " is not trusted: " + e.getMessage();
        }
    }
}

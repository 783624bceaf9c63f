package ai.greentic.events.harness;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.pack.PackBuilder;
import ai.greentic.events.pack.PackSigner;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Comparator;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.edec.EdECObjectIdentifiers;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.TBSCertificate;
import org.bouncycastle.asn1.x509.Time;
import org.bouncycastle.asn1.x509.V3TBSCertificateGenerator;

/** Makes a small pack with everything that {@link Harness} looks for, signed with a key that is thrown away, so that nobody trusts it. */
public final class FixturePack {
    private static final Map<String, String> FILES = new TreeMap<>(Map.of(
            "pack.yaml",
            """
            packVersion: 1
            id: events-dummy
            version: "0.1.0"
            events:
              providers:
                - name: dummy
                  kind: bridge
                  component: dummy@0.1.0
                  capabilities:
                    transport: dummy
                    topics: ["greentic.test"]
            """,
            "flows/main.ygtc",
            """
            id: main
            type: event
            schema_version: flow-v1
            nodes:
              done:
                template: |
                  {"node_id": "done", "node": {}}
            """,
            "fixtures/requirements.expected.json",
            """
            {"required_config_keys": ["dummy.name"], "required_secret_keys": ["DUMMY_TOKEN"]}
            """,
            "fixtures/setup.input.json",
            """
            {"config_patch": {"dummy": {"name": "dummy"}}, "secrets_patch": {"set": {"DUMMY_TOKEN": {"redacted": true, "value": null}}, "delete": []}}
            """,
            "fixtures/ingest.request.json",
            """
            {"id": "m-1", "tenant": {"env": "dev", "tenant": "tenant", "tenant_id": "tenant", "attempt": 0}, "channel": "dummy", "session_id": "s-1", "text": "hello", "attachments": [], "metadata": {}}
            """,
            "fixtures/emit.request.json",
            """
            {"id": "e-1", "topic": "greentic.test", "type": "ai.greentic.test.v1", "source": "fixture", "tenant": {"env": "dev", "tenant": "tenant", "tenant_id": "tenant", "attempt": 0}, "subject": "s-1", "time": "2025-01-01T00:00:00Z", "payload": {"text": "hello"}, "metadata": {}}
            """,
            "fixtures/subscriptions.expected.json",
            """
            []
            """));

    private FixturePack() {}

    /**
     * Writes {@code events-dummy.gtpack} into a directory, which is made if it is not there.
     *
     * @return the archive
     */
    public static Path write(Path directory) {
        Path archive = directory.resolve("events-dummy.gtpack");
        Path work = null;
        try {
            Files.createDirectories(directory);
            work = Files.createTempDirectory(directory, ".events-dummy");
            for (Map.Entry<String, String> file : FILES.entrySet()) {
                Path target = work.resolve("pack").resolve(file.getKey());
                Files.createDirectories(java.util.Objects.requireNonNull(target.getParent()));
                Files.writeString(target, file.getValue());
            }
            Path built = work.resolve("built.gtpack");
            PackBuilder.build(work.resolve("pack"), built);
            KeyPair key = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
            Path keyFile = Files.writeString(
                    work.resolve("key.pem"), pem("PRIVATE KEY", key.getPrivate().getEncoded()));
            Path chain = Files.writeString(work.resolve("chain.pem"), pem("CERTIFICATE", certificate(key)));
            PackSigner.of(keyFile, chain).sign(/* archive= */ built, /* signed= */ archive, Instant.now());
            return archive;
        } catch (IOException e) {
            throw new EventsException(
                    ErrorCode.INVALID_ARGUMENT,
                    "the fixture pack cannot be written to " + directory + ": "
                            + e.getClass().getSimpleName() + " " + e.getMessage(),
                    e);
        } catch (GeneralSecurityException e) {
            throw new EventsException(ErrorCode.INTERNAL_ERROR, "this JDK cannot sign with Ed25519", e);
        } finally {
            remove(work);
        }
    }

    /** RFC 5280 and RFC 8410: version 3, issued by itself, for a year. */
    private static byte[] certificate(KeyPair key) throws GeneralSecurityException, IOException {
        AlgorithmIdentifier algorithm = new AlgorithmIdentifier(EdECObjectIdentifiers.id_Ed25519);
        X500Name name = new X500Name("CN=events-dummy fixture");
        Instant now = Instant.now();
        V3TBSCertificateGenerator generator = new V3TBSCertificateGenerator();
        generator.setSerialNumber(new ASN1Integer(BigInteger.valueOf(now.toEpochMilli())));
        generator.setSignature(algorithm);
        generator.setIssuer(name);
        generator.setSubject(name);
        generator.setStartDate(new Time(Date.from(now.minus(Duration.ofMinutes(5)))));
        generator.setEndDate(new Time(Date.from(now.plus(Duration.ofDays(365)))));
        generator.setSubjectPublicKeyInfo(
                SubjectPublicKeyInfo.getInstance(key.getPublic().getEncoded()));
        TBSCertificate body = generator.generateTBSCertificate();
        Signature signature = Signature.getInstance("Ed25519");
        signature.initSign(key.getPrivate());
        signature.update(body.getEncoded("DER"));
        ASN1EncodableVector parts = new ASN1EncodableVector();
        List.of(body, algorithm, new DERBitString(signature.sign())).forEach(parts::add);
        return new DERSequence(parts).getEncoded("DER");
    }

    private static String pem(String what, byte[] bytes) {
        return "-----BEGIN " + what + "-----\n"
                + Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
                        .encodeToString(bytes)
                + "\n-----END " + what + "-----\n";
    }

    private static void remove(@org.jspecify.annotations.Nullable Path work) {
        if (work == null) {
            return;
        }
        try (Stream<Path> all = Files.walk(work)) {
            all.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        } catch (IOException e) {
            throw new UncheckedIOException("temporary files cannot be removed from " + work, e);
        }
    }
}

package ai.greentic.events.pack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who may have signed a pack, with keys and certificates that the JDK's keytool made. */
class PackTrustTest {
    private static final Instant AT = Instant.parse("2026-01-31T12:00:00Z");
    private static final char[] PASSWORD = "changeit".toCharArray();

    @TempDir
    static Path keys;

    private static KeyStore store;

    @TempDir
    Path directory;

    @BeforeAll
    static void makeKeys() throws Exception {
        generate("root", "CN=Root", "-ext", "bc:c", "-ext", "ku=keyCertSign");
        generate("other", "CN=Other", "-ext", "bc:c");
        generate("plain", "CN=Plain");
        generate("expired", "CN=Expired", "-startdate", "-10d", "-validity", "5");
        generate("tomorrow", "CN=Tomorrow", "-startdate", "+2d");
        generate("devlocal", "CN=greentic-dev-local");
        generate("issuer", "CN=Issuer");
        signedBy("root", "issuer", "-ext", "ku=keyCertSign");
        generate("leaf", "CN=Leaf");
        signedBy("root", "leaf", "-ext", "ku=digitalSignature");
        generate("late", "CN=Late");
        signedBy("root", "late", "-startdate", "-10d", "-validity", "5");
        store = KeyStore.getInstance(keys.resolve("keys.p12").toFile(), PASSWORD);
        for (String alias :
                List.of("root", "other", "plain", "expired", "tomorrow", "devlocal", "issuer", "leaf", "late")) {
            StringBuilder chain = new StringBuilder();
            for (java.security.cert.Certificate certificate : store.getCertificateChain(alias)) {
                chain.append(pem("CERTIFICATE", certificate.getEncoded()));
            }
            Files.writeString(keys.resolve(alias + ".pem"), chain);
            Files.writeString(
                    keys.resolve(alias + ".key"),
                    pem("PRIVATE KEY", store.getKey(alias, PASSWORD).getEncoded()));
            Files.writeString(
                    keys.resolve(alias + ".pub"),
                    pem("PUBLIC KEY", store.getCertificate(alias).getPublicKey().getEncoded()));
        }
    }

    private static String pem(String what, byte[] bytes) {
        return "-----BEGIN " + what + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes) + "\n-----END " + what + "-----\n";
    }

    private static void generate(String alias, String name, String... more) throws Exception {
        List<String> arguments = new ArrayList<>(
                List.of("-genkeypair", "-alias", alias, "-keyalg", "Ed25519", "-dname", name, "-storetype", "PKCS12"));
        arguments.addAll(List.of(more));
        keytool(arguments);
    }

    private static void signedBy(String issuer, String alias, String... more) throws Exception {
        Path request = keys.resolve(alias + ".csr");
        Path certificate = keys.resolve(alias + ".crt");
        keytool(List.of("-certreq", "-alias", alias, "-file", request.toString()));
        List<String> arguments = new ArrayList<>(List.of(
                "-gencert",
                "-alias",
                issuer,
                "-infile",
                request.toString(),
                "-outfile",
                certificate.toString(),
                "-rfc"));
        arguments.addAll(List.of(more));
        keytool(arguments);
        keytool(List.of("-importcert", "-noprompt", "-alias", alias, "-file", certificate.toString()));
    }

    private static void keytool(List<String> arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                // The dates of a certificate are not those of every calendar.
                "-J-Duser.language=en",
                "-J-Duser.country=US"));
        command.addAll(arguments);
        command.addAll(List.of(
                "-storepass",
                new String(PASSWORD),
                "-keystore",
                keys.resolve("keys.p12").toString()));
        Path said = keys.resolve("keytool.out");
        Process keytool = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
        assertThat(keytool.waitFor()).as(() -> read(said)).isZero();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static PackTrust strictly(String... trusted) {
        PackTrust trust = PackTrust.lenient().strict();
        for (String file : trusted) {
            trust = trust.trusting(keys.resolve(file));
        }
        return trust;
    }

    private Path signed(String alias) throws IOException {
        Path source = Files.createDirectories(directory.resolve("source"));
        Files.writeString(
                source.resolve("pack.yaml"),
                "id: p\nversion: 1\nevents: {providers: [{name: a, kind: sink, component: c}]}\n");
        Files.createDirectories(source.resolve("assets"));
        Files.writeString(source.resolve("assets/note.txt"), "a note");
        Path archive = directory.resolve("p.gtpack");
        PackBuilder.build(source, archive);
        PackSigner.of(keys.resolve(alias + ".key"), keys.resolve(alias + ".pem"))
                .sign(archive, archive, AT);
        return archive;
    }

    private static void assertTrusted(Path archive, PackTrust trust) {
        assertThat(Pack.open(archive, trust).verification().status()).isEqualTo(PackVerification.Status.TRUSTED);
    }

    private static void assertRefused(Path archive, PackTrust trust, String why) {
        assertThatThrownBy(() -> Pack.open(archive, trust))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_PACK))
                .hasMessageContaining(why);
    }

    @Test
    void aSignerIsTrustedByKeyByCertificateOrByWhoVouchesForIt() throws IOException {
        assertTrusted(signed("plain"), strictly("plain.pub"));
        assertTrusted(signed("plain"), strictly("other.pem", "plain.pem"));
        assertTrusted(signed("leaf"), strictly("root.pem"));
        assertTrusted(signed("leaf"), strictly("leaf.pub"));
        assertThat(Pack.open(signed("plain")).verification())
                .satisfies(
                        verification -> assertThat(verification.status()).isEqualTo(PackVerification.Status.UNTRUSTED))
                .satisfies(verification -> assertThat(verification.signer()).hasSize(64));
    }

    @Test
    void nobodyElseIs() throws IOException {
        assertRefused(signed("plain"), strictly(), "not amongst those trusted");
        assertRefused(signed("plain"), strictly("root.pem", "other.pub"), "is not trusted");
        assertRefused(signed("leaf"), strictly("other.pem"), "is not trusted");
        assertRefused(signed("expired"), strictly("expired.pem"), "is not trusted");
        assertRefused(signed("expired"), strictly("expired.pub"), "is not trusted");
        assertRefused(signed("late"), strictly("root.pem"), "is not trusted");
        assertRefused(signed("tomorrow"), strictly("tomorrow.pem"), "is not trusted");
        assertRefused(signed("issuer"), strictly("root.pem"), "not meant for signatures");
        assertRefused(signed("devlocal"), strictly("devlocal.pem"), "throw-away key");
    }

    /** Each way to change a signed archive, also by somebody who makes the list anew, is refused, whatever the model says it is. */
    @Test
    void whateverIsChangedIsRefused() throws IOException {
        assertChangeIsRefused("a file", files -> files.put("assets/note.txt", ascii("b note")));
        assertChangeIsRefused("a file and the list", files -> {
            files.put("assets/note.txt", ascii("b note"));
            list(files);
        });
        assertChangeIsRefused("one more file", files -> files.put("assets/more.txt", ascii("more")));
        assertChangeIsRefused("one more file and the list", files -> {
            files.put("assets/more.txt", ascii("more"));
            list(files);
        });
        assertChangeIsRefused("a file less", files -> files.remove("assets/note.txt"));
        assertChangeIsRefused("a file less and the list", files -> {
            files.remove("assets/note.txt");
            list(files);
        });
        assertChangeIsRefused("no list", files -> files.remove("sbom.json"));
        assertChangeIsRefused("another list in front", files -> files.put("sbom.cbor", files.get("sbom.json")));
        assertChangeIsRefused("no signature", files -> files.remove(PackSignature.FILE));
        assertChangeIsRefused("no chain", files -> files.remove(PackSignature.CHAIN));
        assertChangeIsRefused("an empty chain", files -> files.put(PackSignature.CHAIN, new byte[0]));
        assertChangeIsRefused(
                "another chain", files -> files.put(PackSignature.CHAIN, ascii(read(keys.resolve("other.pem")))));
        for (String field : List.of("sig", "digest", "alg", "key_fingerprint")) {
            assertChangeIsRefused(
                    "another " + field,
                    files -> files.compute(PackSignature.FILE, (path, bytes) -> {
                        String text = new String(bytes, StandardCharsets.UTF_8);
                        String changed = text.replaceFirst("(\"" + field + "\" *: *\")(.)", "$1z");
                        return ascii(
                                changed.equals(text)
                                        ? text.replaceFirst("(\"" + field + "\" *: *\")(.)", "$1y")
                                        : changed);
                    }));
        }
        assertChangeIsRefused("a signature that is no JSON", files -> files.put(PackSignature.FILE, ascii("{")));
        assertChangeIsRefused("a signature that is a list", files -> files.put(PackSignature.FILE, ascii("[1]")));
        assertChangeIsRefused("another manifest", files -> {
            files.put(
                    "manifest.cbor",
                    Documents.cbor(java.util.Map.of("meta", java.util.Map.of("pack_id", "evil", "version", "1"))));
            list(files);
        });
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static void list(SortedMap<String, byte[]> files) {
        SortedMap<String, byte[]> listed = new TreeMap<>(files);
        listed.keySet().removeAll(List.of("sbom.json", PackSignature.FILE, PackSignature.CHAIN));
        files.put("sbom.json", ArchiveWriter.list(listed));
    }

    private void assertChangeIsRefused(String what, Consumer<SortedMap<String, byte[]>> change) throws IOException {
        Path archive = signed("plain");
        assertTrusted(archive, strictly("plain.pem"));
        SortedMap<String, byte[]> files = new TreeMap<>();
        try (Archive read = Archive.open(archive)) {
            read.files()
                    .keySet()
                    .forEach(path -> files.put(path, read.bytes(path).orElseThrow()));
        }
        change.accept(files);
        ArchiveWriter.write(files, archive);
        assertThatThrownBy(() -> Pack.open(archive, strictly("plain.pem")))
                .as(what)
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_PACK));
    }

    @Test
    void theSameTimeMakesTheSameSignature() throws IOException {
        byte[] first = Files.readAllBytes(signed("plain"));
        byte[] again = Files.readAllBytes(signed("plain"));
        assertThat(again).isEqualTo(first);
        Path archive = directory.resolve("p.gtpack");
        PackSigner.of(keys.resolve("leaf.key"), keys.resolve("leaf.pem")).sign(archive, archive, AT);
        assertTrusted(archive, strictly("root.pem"));
    }

    @Test
    void whoCannotSignIsTold() throws IOException {
        Path archive = signed("plain");
        assertThatThrownBy(() -> PackSigner.of(keys.resolve("plain.key"), keys.resolve("other.pem")))
                .hasMessageContaining("certificate of another key");
        assertThatThrownBy(() -> PackSigner.of(keys.resolve("plain.pem"), keys.resolve("plain.pem")))
                .hasMessageContaining("no PRIVATE KEY");
        assertThatThrownBy(() -> PackSigner.of(keys.resolve("none"), keys.resolve("plain.pem")))
                .hasMessageContaining("cannot be read");
        assertThatThrownBy(() -> PackTrust.lenient().trusting(keys.resolve("plain.key")))
                .hasMessageContaining("neither a CERTIFICATE nor a PUBLIC KEY");
        Files.delete(archive);
        PackSigner signer = PackSigner.of(keys.resolve("plain.key"), keys.resolve("plain.pem"));
        assertThatThrownBy(() -> signer.sign(archive, archive, AT)).hasMessageContaining("does not exist");
    }

    @Test
    void directoriesAreTakenUnlessSignaturesAreRequired() throws IOException {
        signed("plain");
        assertThat(Pack.open(directory.resolve("source"), strictly())
                        .verification()
                        .status())
                .isEqualTo(PackVerification.Status.DIRECTORY);
        assertRefused(directory.resolve("source"), PackTrust.lenient().archivesOnly(), "signatures are required");
    }
}

package ai.greentic.events.runner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.AllTenants;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TenantContext;
import ai.greentic.events.runner.InstallDiagnostic.Code;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class InstallsTest {
    static final TenantContext ACME = TenantContext.of("prod", "acme");
    static final TenantContext OTHER = TenantContext.of("prod", "other");
    static final Instant THEN = Instant.parse("2025-01-01T00:00:00Z");

    @TempDir
    Path directory;

    final Map<String, Payload> config = new HashMap<>();
    final Map<String, Payload> secrets = new HashMap<>();
    final InstallResolver resolver = new InstallResolver(
            (tenant, reference) -> Optional.ofNullable(config.get(tenant.tenant() + "!" + reference)),
            (tenant, reference) -> Optional.ofNullable(secrets.get(tenant.tenant() + "!" + reference)));

    static ProviderInstall install(TenantContext tenant, String provider, String id) {
        return new ProviderInstall(
                tenant,
                provider,
                id,
                "pack.one",
                "1.0.0",
                THEN,
                THEN,
                Map.of(),
                Map.of(),
                Payload.NULL,
                Payload.NULL,
                Payload.NULL,
                Map.of());
    }

    static ProviderInstall with(ProviderInstall install, Map<String, String> config, Map<String, String> secrets) {
        return new ProviderInstall(
                install.tenant(),
                install.providerId(),
                install.installId(),
                install.packId(),
                install.packVersion(),
                install.createdAt(),
                install.updatedAt(),
                config,
                secrets,
                install.webhookState(),
                install.subscriptionsState(),
                install.metadata(),
                install.unknownFields());
    }

    private static EventEnvelope event(TenantContext tenant) {
        return EventEnvelope.builder(tenant, "a.b")
                .id("e-1")
                .type("t")
                .source("s")
                .time(THEN)
                .payload(Payload.of(1))
                .build();
    }

    // Records.

    /** The sample of the original, with a field that it does not know. */
    @Test
    void aRecordIsReadAndWrittenAsTheOriginalDoes() {
        String sample = """
                {"tenant":{"env":"dev","tenant":"acme","tenant_id":"acme","attempt":0},"provider_id":"sms-out-twilio","install_id":"inst-1",\
                "pack_id":"greentic.events.sms.twilio","pack_version":"0.1.0","created_at":"2025-01-01T00:00:00Z","updated_at":"2025-01-02T00:00:00Z",\
                "config_refs":{"from":"cfg/acme/sms/from"},"secret_refs":{"TWILIO_AUTH_TOKEN":"secrets/acme/twilio/token"},"webhook_state":null,\
                "subscriptions_state":null,"metadata":{"subscriptions":{"degraded":false,"failures":0,"last_sync":"2025-01-02T00:00:00Z"}},"later":[1.50]}""";
        ProviderInstall install = ProviderInstall.parse(sample.getBytes(StandardCharsets.UTF_8));
        assertThat(new String(install.toJson(), StandardCharsets.UTF_8)).isEqualTo(sample);
        assertThat(install.key()).isEqualTo(new InstallKey(install.tenant().tenant(), "sms-out-twilio", "inst-1"));
    }

    @Test
    void everyProblemOfARecordIsTold() {
        assertThatThrownBy(() -> ProviderInstall.parse(
                        "{\"provider_id\": \" \", \"install_id\": 7, \"created_at\": \"soon\", \"config_refs\": {\"a\": 1}}"
                                .getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(EventsException.class)
                .hasMessageContainingAll(
                        "tenant is missing",
                        "provider_id is blank",
                        "install_id must be a text",
                        "pack_id is missing",
                        "updated_at is missing",
                        "created_at is 'soon'",
                        "config_refs.a must be a text");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a/b", "", "é"})
    void anInstallIdIsAnId(String id) {
        assertThatThrownBy(() -> install(ACME, "p", id)).isInstanceOf(RuntimeException.class);
    }

    // The store.

    private List<InstallStore> stores() {
        return List.of(InstallStore.inMemory(), InstallStore.file(directory.resolve("dev/installs.json")));
    }

    /** D11: a tenant sees its own installs, and another one's of the same ids are others. */
    @Test
    void P4_theStoreIsATenants() {
        for (InstallStore store : stores()) {
            ProviderInstall mine = install(ACME, "sms", "one");
            ProviderInstall theirs = install(OTHER, "sms", "one");
            ProviderInstall test = install(TenantContext.of("test", "acme"), "sms", "one");
            for (ProviderInstall install : List.of(mine, theirs, test)) {
                assertThat(store.create(install)).isTrue();
                assertThat(store.create(install)).isFalse();
            }
            assertThat(store.list(ACME)).containsExactly(mine);
            assertThat(store.list(new AllTenants("prod"))).containsExactly(mine, theirs);
            assertThat(store.find(OTHER, "sms", "one")).contains(theirs);
            assertThat(store.find(OTHER, "sms", "two")).isEmpty();
            assertThat(store.remove(theirs)).isTrue();
            assertThat(store.list(OTHER)).isEmpty();
            assertThat(store.list(ACME)).containsExactly(mine);
        }
    }

    /** Many threads, and stores of one file, add to a number each; none is lost. */
    @Test
    void P2_noChangeIsLost() throws Exception {
        Path file = directory.resolve("one.json");
        InstallStore memory = InstallStore.inMemory();
        for (List<InstallStore> both :
                List.of(List.of(memory, memory), List.of(InstallStore.file(file), InstallStore.file(file)))) {
            InstallStore store = both.get(0);
            InstallStore alike = both.get(1);
            store.create(install(ACME, "sms", "one").with(Payload.of(0), Payload.NULL, THEN));
            List<Thread> threads = new ArrayList<>();
            CountDownLatch ready = new CountDownLatch(4);
            for (int i = 0; i < 4; i++) {
                InstallStore own = i % 2 == 0 ? store : alike;
                threads.add(new Thread(() -> {
                    ready.countDown();
                    for (int done = 0; done < 25; ) {
                        ProviderInstall now = own.find(ACME, "sms", "one").orElseThrow();
                        Payload more = Payload.of(now.subscriptionsState().as(Integer.class) + 1);
                        if (own.replace(now, now.with(more, Payload.NULL, THEN))) {
                            done++;
                        }
                    }
                }));
            }
            threads.forEach(Thread::start);
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(store.find(ACME, "sms", "one").orElseThrow().subscriptionsState())
                    .isEqualTo(Payload.of(100));
        }
    }

    @Test
    void aReplacementIsOfTheSameInstall() {
        InstallStore store = InstallStore.inMemory();
        assertThatThrownBy(() -> store.replace(install(ACME, "sms", "one"), install(OTHER, "sms", "one")))
                .isInstanceOf(EventsException.class)
                .hasMessageContaining("cannot become");
        assertThat(store.replace(install(ACME, "sms", "one"), install(ACME, "sms", "one")))
                .isFalse();
    }

    /** What stands around the records stays. */
    @Test
    void aFileKeepsWhatIsNotItsBusiness() throws IOException {
        Path file = directory.resolve("installs.json");
        Files.writeString(file, "{\"version\": 1.0, \"installs\": [], \"note\": \"ä\"}");
        InstallStore store = InstallStore.file(file);
        store.create(install(ACME, "sms", "one"));
        assertThat(Files.readString(file)).contains("\"version\":1.0", "\"note\":\"ä\"", "\"install_id\":\"one\"");
        assertThat(InstallStore.file(file).list(ACME)).hasSize(1);
        try (var left = Files.list(directory)) {
            assertThat(left.map(path -> path.getFileName().toString()))
                    .containsExactlyInAnyOrder("installs.json", "installs.json.lock");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"{nonsense|not JSON", "3|no", "[{}]|tenant is missing", "{\"installs\": 3}|not a list"})
    void aDamagedFileIsLeftAlone(String content, String message) throws IOException {
        Path file = directory.resolve("installs.json");
        Files.writeString(file, content);
        InstallStore store = InstallStore.file(file);
        assertThatThrownBy(() -> store.create(install(ACME, "sms", "one")))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT))
                .hasMessageContaining(message);
        assertThat(Files.readString(file)).isEqualTo(content);
    }

    /** Where Greentic's tools keep them. */
    @Test
    void aProjectsStoreIsFound() throws IOException {
        Files.createDirectories(directory.resolve(".greentic/dev"));
        InstallStore.ofProject(directory).create(install(ACME, "sms", "one"));
        assertThat(directory.resolve(".greentic/dev/installs.json")).exists();
        Files.writeString(directory.resolve(".greentic/dev/install_store.path"), "elsewhere/own.json\n");
        InstallStore.ofProject(directory).create(install(ACME, "sms", "two"));
        assertThat(directory.resolve("elsewhere/own.json")).exists();
        Files.writeString(directory.resolve(".greentic/install_store.path"), " ");
        assertThatThrownBy(() -> InstallStore.ofProject(directory))
                .isInstanceOf(EventsException.class)
                .hasMessageContaining("install_store.path");
    }

    // Resolving.

    /** D37: by kind, whatever the message says. */
    @Test
    void whatIsMissingIsToldByKind() {
        ProviderInstall install = with(
                install(ACME, "sms", "one"),
                Map.of("secret", "cfg/secret"),
                Map.of("config", "sec/config", "there", "sec/there"));
        secrets.put(ACME.tenant() + "!sec/there", Payload.of("x"));
        assertThatThrownBy(() -> resolver.resolve(install))
                .isInstanceOfSatisfying(
                        InstallException.class,
                        e -> assertThat(e.diagnostics())
                                .extracting(InstallDiagnostic::code)
                                .containsExactly(Code.MISSING_CONFIG, Code.MISSING_SECRET));
    }

    /** D35: whoever prints an install prints no secret. */
    @Test
    void secretsStandInNoText() throws Exception {
        secrets.put(ACME.tenant() + "!sec/token", Payload.of("hush-hush"));
        ResolvedInstall resolved =
                resolver.resolve(with(install(ACME, "sms", "one"), Map.of(), Map.of("TOKEN", "sec/token")));
        assertThat(resolved.secret("TOKEN")).contains(Payload.of("hush-hush"));
        assertThat(resolved.toString()).doesNotContain("hush").contains("1 secrets");
        assertThat(resolved.secretNames()).containsExactly("TOKEN");
        assertThat(resolved.masked("refused: hush-hush and \"hush-hush\"")).doesNotContain("hush");
    }

    // Sources and sinks.

    /** D10: installs of two tenants with the same ids; an event goes out with its own tenant's credentials or not at all. */
    @Test
    void P4_anEventLeavesByItsOwnTenantsInstall() throws Exception {
        InstallStore store = InstallStore.inMemory();
        for (TenantContext tenant : List.of(ACME, OTHER)) {
            secrets.put(
                    tenant.tenant() + "!token",
                    Payload.of("of " + tenant.tenant().name()));
            store.create(with(install(tenant, "sms", "one"), Map.of(), Map.of("TOKEN", "token")));
        }
        List<String> sent = new ArrayList<>();
        Installs.Builder builder = Installs.builder(store, resolver)
                .sink(
                        "sms",
                        install -> event -> sent.add(event.tenant().tenant().name() + " "
                                + install.secret("TOKEN").orElseThrow().as(String.class)));
        try (Installs installs = builder.open(new AllTenants("prod"))) {
            assertThat(installs.diagnostics()).isEmpty();
            for (TenantContext tenant : List.of(ACME, OTHER)) {
                installs.emit(new InstallKey(tenant.tenant(), "sms", "one"), event(tenant));
            }
            assertThat(sent).containsExactly("acme of acme", "other of other");
            for (TenantContext wrong : List.of(OTHER, TenantContext.of("test", "acme"))) {
                assertThatThrownBy(() -> installs.emit(new InstallKey(ACME.tenant(), "sms", "one"), event(wrong)))
                        .isInstanceOfSatisfying(
                                EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TENANT_MISMATCH));
            }
            assertThatThrownBy(() -> installs.emit(new InstallKey(ACME.tenant(), "sms", "two"), event(ACME)))
                    .hasMessageContaining("has no sink here");
            assertThat(sent).hasSize(2);
        }
    }

    /** D32 and D35 for installs: one that cannot be used keeps no other from running, and its error tells no secret. */
    @Test
    void oneBadInstallStopsNoOther() throws Exception {
        InstallStore store = InstallStore.inMemory();
        secrets.put(ACME.tenant() + "!token", Payload.of("hush-hush"));
        store.create(with(install(ACME, "sms", "bad"), Map.of(), Map.of("TOKEN", "token")));
        store.create(install(ACME, "sms", "good"));
        store.create(with(install(ACME, "sms", "missing"), Map.of("from", "nowhere"), Map.of()));
        store.create(install(ACME, "fax", "one"));
        List<String> stopped = new ArrayList<>();
        Installs.Builder builder = Installs.builder(store, resolver)
                .sink("sms", install -> {
                    if (install.install().installId().equals("bad")) {
                        throw new IOException("refused: "
                                + install.secret("TOKEN").orElseThrow().as(String.class));
                    }
                    return event -> {};
                })
                .source("sms", install -> () -> stopped.add(install.install().installId()));
        Installs installs = builder.open(ACME);
        assertThat(installs.sinks()).containsExactly(new InstallKey(ACME.tenant(), "sms", "good"));
        assertThat(installs.diagnostics())
                .extracting(InstallDiagnostic::code)
                .containsExactlyInAnyOrder(Code.PROVIDER_NOT_FOUND, Code.PROVIDER_INIT_FAILED, Code.MISSING_CONFIG);
        assertThat(installs.diagnostics().toString()).doesNotContain("hush").contains("refused: ***");
        installs.close();
        installs.close();
        assertThat(stopped).containsExactly("good");
    }
}

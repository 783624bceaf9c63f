package ai.greentic.events.conformance;

import static ai.greentic.events.conformance.Fabric.ACME;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.Position;
import ai.greentic.events.StartAt;
import ai.greentic.events.bus.SubscribeOptions;
import ai.greentic.events.spi.Capability;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.ProviderFactory;
import ai.greentic.events.spi.ProviderSettings;
import ai.greentic.events.spi.SettingsSchema;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Bad input gets a clear error; nothing is said that should be kept quiet. */
abstract class ErrorChecks extends Checks {
    ErrorChecks(ProviderConformance kit) {
        super(kit);
    }

    /** A settings table that documents, bounds and hides. */
    @Test
    void P14_everySettingIsDocumentedAndBadOnesAreNamed() {
        ProviderFactory factory = fabric().target.factory();
        SettingsSchema schema = factory.settings();
        assertThat(factory.transport()).matches("[a-z][a-z0-9-]*");
        Map<String, Object> bad = new LinkedHashMap<>();
        for (SettingsSchema.Setting setting : schema.settings()) {
            assertThat(setting.key()).matches("[a-z][a-z0-9_]*");
            assertThat(setting.doc())
                    .as("what %s means", setting.key())
                    .endsWith(".")
                    .hasSizeGreaterThan(10);
            switch (setting.type()) {
                case INTEGER, DECIMAL, DURATION, FLAG -> {
                    bad.put(setting.key(), "many");
                    if (setting.type() != SettingsSchema.Type.FLAG) {
                        assertThat(setting.least())
                                .as("the least value of %s", setting.key())
                                .isNotNull();
                        assertThat(setting.most())
                                .as("the most of %s", setting.key())
                                .isNotNull();
                    }
                }
                case TEXT, LIST -> {}
            }
        }
        bad.put("no_such_setting", 1);
        List<String> problems = new ArrayList<>();
        factory.settings().parse(bad, "events.providers.kit", problems);
        bad.keySet()
                .forEach(key -> assertThat(problems)
                        .as("a sentence about %s", key)
                        .anyMatch(problem -> problem.contains("events.providers.kit." + key)));
        assertThatThrownBy(() -> ai.greentic.events.bus.EventBus.builder()
                        .providerFactory(factory)
                        .provider("kit", factory.transport(), "*")
                        .providerSettings(null, "kit", bad)
                        .build())
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_CONFIGURATION));
    }

    /** Secrets stay where they are: neither settings nor errors show them. */
    @Test
    void P13_secretsAreHidden() {
        ProviderFactory factory = fabric().target.factory();
        Map<String, Object> raw = new LinkedHashMap<>();
        factory.settings().settings().stream()
                .filter(SettingsSchema.Setting::secret)
                .forEach(setting -> raw.put(setting.key(), "env:PATH"));
        ProviderSettings settings = factory.settings().parse(raw, "settings", new ArrayList<>());
        String path = System.getenv("PATH");
        assertThat(path).isNotEmpty();
        assertThat(settings.toString()).doesNotContain(path);
        for (String word : List.of("password", "token", "secret", "credential")) {
            factory.settings().settings().stream()
                    .filter(setting -> setting.key().contains(word))
                    .forEach(setting -> assertThat(
                                    setting.secret() || setting.key().endsWith("_file"))
                            .as("%s is secret", setting.key())
                            .isTrue());
        }
    }

    /** A payload, and what a handler says of it, is nobody's business but the handler's. */
    @Test
    void P13_payloadsAreNotLogged() {
        Fabric fabric = fabric();
        fabric.log.expect("dead letter");
        String secret = "marker-9f27c1";
        Audience reader = fabric.ephemeral("failing", ACME, "errors.x").with(options -> options.maxAttempts(2));
        reader.join(fabric.bus(), delivery -> {
            reader.reader.delivered(delivery.event());
            reader.reader.expectAgain(delivery.event().id());
            throw new IllegalStateException(
                    "cannot handle " + delivery.event().payload().json());
        });
        fabric.publish(fabric.event(ACME, "errors.x", "k", Payload.of(secret)));
        fabric.await(
                "the dead letter",
                () -> !fabric.bus()
                        .deadLetters(ACME)
                        .list(DeadLetterFilter.ALL, 1)
                        .isEmpty());
        var letter =
                fabric.bus().deadLetters(ACME).list(DeadLetterFilter.ALL, 1).get(0);
        reader.reader.ended(letter.eventId().orElseThrow());
        assertThat(letter.reason()).doesNotContain(secret);
        assertThat(letter.toString()).doesNotContain(secret);
        assertThat(fabric.log.lines()).noneMatch(line -> line.contains(secret));
    }

    /** A position that is none is refused with its text, and so is one that another provider gave. */
    @Test
    void P14_nonsensePositionsAreRefused() {
        Fabric fabric = fabric();
        for (String nonsense : List.of("", "x", "-", "99999999999999999999999999")) {
            SubscribeOptions options = SubscribeOptions.ephemeral()
                    .startAt(StartAt.after(Map.of("kit", new Position("kit", nonsense.isEmpty() ? "?" : nonsense))));
            if (!fabric.can(Capability.REPLAY_POSITION)) {
                CapabilityChecks.assertUnsupported(
                        () -> fabric.bus().subscribe(ACME, "errors.x", options, delivery -> {}));
                continue;
            }
            assertThat(CapabilityChecks.refusal(() -> fabric.bus().subscribe(ACME, "errors.x", options, delivery -> {}))
                            .code())
                    .isEqualTo(ErrorCode.INVALID_ARGUMENT);
        }
    }
}

package ai.greentic.events.config;

import java.math.BigDecimal;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Rules between and beyond single values. */
final class SettingsCheck {
    /** Exactly these; a name that merely contains "dev" is no development environment. */
    private static final Set<String> DEVELOPMENT = Set.of("dev", "development", "local", "test");

    private final Settings settings;
    private final boolean allowDev;
    private final List<String> problems;
    private final List<String> warnings;

    SettingsCheck(Settings settings, boolean allowDev, List<String> problems, List<String> warnings) {
        this.settings = settings;
        this.allowDev = allowDev;
        this.problems = problems;
        this.warnings = warnings;
    }

    void run() {
        development();
        backoff();
        telemetry();
        packs();
        services();
        domain();
        settings.accessPolicy(problems);
        settings.overridesProblems(problems);
    }

    private void development() {
        String env = settings.text("environment.env_id").orElse("dev");
        if (settings.hasBelow("dev")) {
            if (!allowDev && !DEVELOPMENT.contains(env.toLowerCase(Locale.ROOT))) {
                problems.add("there are dev.* settings, but environment.env_id is '" + env + "', which is not one of "
                        + DEVELOPMENT.stream().sorted().toList() + "; remove them, or allow them with --allow-dev");
            }
            if (settings.text("dev.default_tenant").isPresent()
                    && settings.text("dev.default_team").isEmpty()) {
                warnings.add("dev.default_team is not set");
            }
        }
    }

    private void backoff() {
        long initial = settings.number("events.backoff.initial_ms");
        long max = settings.number("events.backoff.max_ms");
        BigDecimal multiplier = settings.decimal("events.backoff.multiplier");
        if (initial == 0) {
            problems.add("events.backoff.initial_ms is 0; it must be at least 1");
        }
        if (max < initial) {
            problems.add(
                    "events.backoff.max_ms is " + max + "; it must not be below events.backoff.initial_ms, " + initial);
        }
        if (multiplier.compareTo(BigDecimal.ONE) < 0) {
            problems.add("events.backoff.multiplier is " + multiplier + "; it must be at least 1");
        }
    }

    private void telemetry() {
        BigDecimal sampling = settings.decimal("telemetry.sampling");
        if (sampling.signum() < 0 || sampling.compareTo(BigDecimal.ONE) > 0) {
            problems.add("telemetry.sampling is " + sampling + "; it must be between 0 and 1");
        }
        if (settings.flag("telemetry.enabled")
                && settings.text("telemetry.exporter").orElse("none").equals("none")) {
            warnings.add("telemetry.enabled is true, but telemetry.exporter is none: nothing is exported");
        }
        if (offline()
                && settings.text("telemetry.endpoint")
                        .filter(url -> !isLoopback(url))
                        .isPresent()) {
            warnings.add("environment.connection is offline, but telemetry.endpoint is not on this machine");
        }
    }

    private void packs() {
        String type = settings.text("packs.source.type").orElse("local_index");
        if (type.equals("http_index") && settings.text("packs.source.url").isEmpty()) {
            problems.add("packs.source.type is http_index, but packs.source.url is not set");
        }
        if (type.equals("oci_registry")
                && settings.text("packs.source.reference").isEmpty()) {
            problems.add("packs.source.type is oci_registry, but packs.source.reference is not set");
        }
        if (offline() && !type.equals("local_index")) {
            problems.add("packs.source.type is " + type + ", but environment.connection is offline; use local_index");
        }
    }

    private void services() {
        settings.text("services.events.url").ifPresent(url -> {
            if (offline() && !isLoopback(url)) {
                problems.add("services.events.url is not on this machine, but environment.connection is offline");
            }
        });
        if (settings.hasBelow("services.events")
                && settings.text("services.events.url").isEmpty()) {
            problems.add("services.events has settings, but services.events.url is not set");
        }
        for (String name : Keys.SERVICES) {
            String base = "services." + name;
            boolean any = settings.text(base + ".url").isPresent()
                    || settings.hasBelow(base + ".headers")
                    || settings.text(base + ".subject_prefix").isPresent();
            String kind = settings.text(base + ".kind").orElse(null);
            if (kind == null && any) {
                problems.add(base + " has a url, headers or subject_prefix, but " + base + ".kind is not set");
            } else if (kind != null && !kind.equals("noop")) {
                String url = settings.text(base + ".url").orElse(null);
                if (url == null) {
                    problems.add(base + ".kind is " + kind + ", but " + base + ".url is not set");
                } else if (!isUrl(url)) {
                    problems.add(base + ".url is not a URL");
                } else if (offline() && !isLoopback(url)) {
                    warnings.add("environment.connection is offline, but " + base + ".url is not on this machine");
                }
            }
            binding(base + ".service");
        }
    }

    private void binding(String base) {
        for (String place : List.of(base, base + ".metrics")) {
            settings.text(place + ".bind_addr")
                    .filter(host -> !host.matches("[A-Za-z0-9.:\\[\\]_-]+"))
                    .ifPresent(host -> warnings.add(place + ".bind_addr does not look like a host"));
            settings.value(place + ".port")
                    .filter(value -> value.value().equals(0L))
                    .ifPresent(port -> warnings.add(place + ".port is 0: any free port"));
        }
        settings.text(base + ".public_base_url")
                .filter(url -> !isUrl(url))
                .ifPresent(url -> warnings.add(base + ".public_base_url is not a URL"));
        settings.text(base + ".metrics.path")
                .filter(path -> !path.startsWith("/"))
                .ifPresent(path -> warnings.add(base + ".metrics.path does not begin with /"));
    }

    private void domain() {
        String domain = settings.text("deployer.base_domain").orElse("");
        if (!domain.matches("(?i)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")) {
            problems.add("deployer.base_domain is '" + domain
                    + "'; it must be a DNS name: labels of 1 to 63 letters, digits and hyphens");
        }
    }

    private boolean offline() {
        return settings.text("environment.connection").filter("offline"::equals).isPresent();
    }

    private static boolean isUrl(String url) {
        try {
            URI uri = new URI(url);
            return uri.getScheme() != null && uri.getHost() != null;
        } catch (URISyntaxException e) {
            return false;
        }
    }

    private static boolean isLoopback(String url) {
        try {
            String host = new URI(url).getHost();
            return host != null && (host.equals("localhost") || host.matches("127\\..*") || host.equals("[::1]"));
        } catch (URISyntaxException e) {
            return false;
        }
    }
}

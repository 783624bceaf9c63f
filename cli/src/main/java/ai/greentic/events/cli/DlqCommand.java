package ai.greentic.events.cli;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.TopicPattern;
import ai.greentic.events.bus.DeadLetters;
import ai.greentic.events.bus.EventBus;
import ai.greentic.events.bus.RedriveOptions;
import ai.greentic.events.bus.RedriveReport;
import ai.greentic.events.codec.Timestamps;
import ai.greentic.events.config.Settings;
import ai.greentic.events.spi.DeadLetter;
import ai.greentic.events.spi.DeadLetterFilter;
import ai.greentic.events.spi.DeadLetterGroup;
import ai.greentic.events.spi.DeadLetterId;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "dlq",
        description = "Dead letters of a tenant: list, group, show, put back, delete.",
        mixinStandardHelpOptions = true,
        subcommands = {
            DlqCommand.ListLetters.class,
            DlqCommand.Groups.class,
            DlqCommand.Show.class,
            DlqCommand.PutBack.class,
            DlqCommand.Purge.class,
            DlqCommand.Export.class
        })
final class DlqCommand implements Runnable {
    private static final int PAGE = 256;

    @Spec
    private CommandSpec spec;

    @SuppressWarnings("NullAway.Init")
    DlqCommand() {}

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(), "say what to do: dlq list, groups, show, export, redrive or purge; see dlq --help");
    }

    /** What a verb does with the letters. */
    interface Verb {
        int run(DeadLetters letters) throws InterruptedException;
    }

    /** Opens a bus for the packs and lets a verb work on the tenant's letters. */
    private static int with(CommandSpec spec, PackOptions packs, TenantOptions tenant, Verb verb)
            throws InterruptedException {
        PrintWriter err = spec.commandLine().getErr();
        Settings settings = Main.common(spec).settings();
        try (EventBus bus = packs.bus(Main.common(spec), settings, err)) {
            return verb.run(bus.as(tenant.who()).deadLetters(tenant.context(settings)));
        }
    }

    /** Which letters. */
    static final class Filter {
        @Option(names = "--topic", paramLabel = "PATTERN", description = "Those whose topic matches.")
        private @Nullable String topic;

        @Option(names = "--code", paramLabel = "CODE", description = "Those with this error code; repeatable.")
        private Set<ErrorCode> codes = EnumSet.noneOf(ErrorCode.class);

        @Option(
                names = "--group",
                paramLabel = "NAME",
                description = "Those of this group, or of ephemeral subscriptions with this pattern.")
        private @Nullable String group;

        @Option(names = "--after", paramLabel = "TIME", description = "Those parked at or after this timestamp.")
        private @Nullable String from;

        @Option(names = "--before", paramLabel = "TIME", description = "Those parked before this timestamp.")
        private @Nullable String to;

        @Option(names = "--id", paramLabel = "ID", description = "This letter; repeatable.")
        private Set<String> ids = new LinkedHashSet<>();

        Filter() {}

        DeadLetterFilter build() {
            DeadLetterFilter filter = DeadLetterFilter.ALL.codes(codes);
            if (topic != null) {
                filter = filter.topics(TopicPattern.of(topic));
            }
            if (group != null) {
                filter = filter.subscription(group);
            }
            if (from != null) {
                filter = filter.from(time("--after", from));
            }
            if (to != null) {
                filter = filter.to(time("--before", to));
            }
            Set<DeadLetterId> wanted = new LinkedHashSet<>();
            ids.forEach(id -> wanted.add(new DeadLetterId(id)));
            return filter.ids(wanted);
        }

        boolean isEmpty() {
            return topic == null && codes.isEmpty() && group == null && from == null && to == null && ids.isEmpty();
        }

        private static Instant time(String option, String text) {
            try {
                return Timestamps.parse(text);
            } catch (EventsException e) {
                throw new EventsException(
                        ErrorCode.INVALID_ARGUMENT,
                        option + " is '" + text + "'; write a timestamp such as 2025-01-01T00:00:00Z");
            }
        }
    }

    /** Where the events go and came from; letters can be looked at without. */
    static final class Packs {
        @Option(names = "--pack", paramLabel = "DIR", description = "Directory of a pack; repeatable.")
        List<String> packs = new ArrayList<>();

        Packs() {}
    }

    /** A verb on the letters of a tenant that needs no provider. */
    abstract static class OfTenant implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Mixin
        private Packs packs;

        @Mixin
        private TenantOptions tenant;

        @SuppressWarnings("NullAway.Init")
        OfTenant() {}

        int with(Verb verb) throws InterruptedException {
            return DlqCommand.with(spec, PackOptions.optional(packs.packs), tenant, verb);
        }

        PrintWriter out() {
            return spec.commandLine().getOut();
        }
    }

    @Command(name = "list", description = "List letters, oldest first.", mixinStandardHelpOptions = true)
    static final class ListLetters extends OfTenant {
        @Mixin
        private Filter filter;

        @Option(names = "--json", description = "Print each letter as one line of JSON.")
        private boolean json;

        @SuppressWarnings("NullAway.Init")
        ListLetters() {}

        @Override
        public Integer call() throws InterruptedException {
            DeadLetterFilter wanted = filter.build();
            return with(letters -> list(letters, wanted, json, out()));
        }
    }

    static int list(DeadLetters letters, DeadLetterFilter filter, boolean json, PrintWriter out) {
        return each(
                letters,
                filter,
                letter -> out.println(
                        json
                                ? Payload.of(tree(letter)).json()
                                : letter.id() + "  " + letter.time() + "  "
                                        + letter.address().topic() + "  "
                                        + letter.subscription()
                                                .map(s -> "of " + s)
                                                .orElse("publish") + "  "
                                        + letter.code() + "  " + letter.attempts() + " attempts  " + letter.state()));
    }

    @Command(name = "groups", description = "Count letters by what went wrong.", mixinStandardHelpOptions = true)
    static final class Groups extends OfTenant {
        @Mixin
        private Filter filter;

        @Option(names = "--json", description = "Print each group as one line of JSON.")
        private boolean json;

        @SuppressWarnings("NullAway.Init")
        Groups() {}

        @Override
        public Integer call() throws InterruptedException {
            DeadLetterFilter wanted = filter.build();
            return with(letters -> groups(letters, wanted, json, out()));
        }
    }

    static int groups(DeadLetters letters, DeadLetterFilter filter, boolean json, PrintWriter out) {
        for (DeadLetterGroup group : letters.groups(filter)) {
            if (json) {
                Map<String, Object> tree = new LinkedHashMap<>();
                tree.put("count", group.count());
                tree.put("code", group.code().name());
                tree.put("topic", group.topic().value());
                tree.put("subscription", group.subscription());
                tree.put("oldest", Timestamps.format(group.oldest()));
                tree.put("newest", Timestamps.format(group.newest()));
                tree.put("example", group.example().value());
                tree.put("reason", group.reason());
                out.println(Payload.of(tree).json());
            } else {
                out.println(group.count() + " x " + group.code() + " on " + group.topic()
                        + (group.subscription() == null ? " when published" : " in " + group.subscription()) + ": "
                        + group.reason() + " (for example " + group.example() + ")");
            }
        }
        return 0;
    }

    @Command(name = "show", description = "Show a letter with its event.", mixinStandardHelpOptions = true)
    static final class Show extends OfTenant {
        @Parameters(index = "0", paramLabel = "ID", description = "Id of the letter.")
        private String id;

        @SuppressWarnings("NullAway.Init")
        Show() {}

        @Override
        public Integer call() throws InterruptedException {
            return with(letters -> show(letters, id, out()));
        }
    }

    static int show(DeadLetters letters, String id, PrintWriter out) {
        DeadLetter letter = letters.find(new DeadLetterId(id))
                .orElseThrow(() -> new EventsException(
                        ErrorCode.DEAD_LETTER_NOT_FOUND,
                        "there is no dead letter " + id + " that you may read; dlq list names them"));
        Map<String, Object> tree = whole(letter);
        tree.forEach((key, value) -> out.println(key + ": " + value));
        return 0;
    }

    /** Everything about a letter; an event that cannot be read stands in Base64. */
    private static Map<String, Object> whole(DeadLetter letter) {
        Map<String, Object> tree = tree(letter);
        tree.put(
                "history",
                letter.history().stream()
                        .map(attempt -> Map.of(
                                "time", Timestamps.format(attempt.time()),
                                "code", attempt.code().name(),
                                "text", attempt.text(),
                                "host", attempt.host()))
                        .toList());
        if (letter.eventId().isPresent()) {
            tree.put("event", new String(letter.encoded(), StandardCharsets.UTF_8));
        } else {
            tree.put("event_base64", Base64.getEncoder().encodeToString(letter.encoded()));
        }
        letter.idempotencyKey().ifPresent(key -> tree.put("idempotency_key", key));
        return tree;
    }

    @Command(
            name = "export",
            description = "Write letters with their events and histories, one line of JSON each, oldest first.",
            mixinStandardHelpOptions = true)
    static final class Export extends OfTenant {
        @Mixin
        private Filter filter;

        @SuppressWarnings("NullAway.Init")
        Export() {}

        @Override
        public Integer call() throws InterruptedException {
            DeadLetterFilter wanted = filter.build();
            return with(letters -> export(letters, wanted, out()));
        }
    }

    static int export(DeadLetters letters, DeadLetterFilter filter, PrintWriter out) {
        return each(
                letters, filter, letter -> out.println(Payload.of(whole(letter)).json()));
    }

    /** Every letter, a page at a time: what is parked or removed meanwhile moves no other letter to another page. */
    private static int each(DeadLetters letters, DeadLetterFilter filter, Consumer<DeadLetter> action) {
        DeadLetterId after = null;
        while (true) {
            List<DeadLetter> page = letters.list(filter, after, PAGE);
            for (DeadLetter letter : page) {
                after = letter.id();
                action.accept(letter);
            }
            if (page.size() < PAGE) {
                return 0;
            }
        }
    }

    private static Map<String, Object> tree(DeadLetter letter) {
        Map<String, Object> tree = new LinkedHashMap<>();
        tree.put("id", letter.id().value());
        tree.put("state", letter.state().name());
        tree.put("topic", letter.address().topic().value());
        tree.put("event_id", letter.eventId().map(Object::toString).orElse(null));
        tree.put("provider", letter.provider());
        tree.put("subscription", letter.subscription().orElse(null));
        tree.put("code", letter.code().name());
        tree.put("reason", letter.reason());
        tree.put("attempts", letter.attempts());
        tree.put("redrives", letter.redrives());
        tree.put("time", Timestamps.format(letter.time()));
        letter.sequence().ifPresent(sequence -> {
            tree.put("ordering_key", sequence.key());
            tree.put("number", letter.number());
            tree.put("follower", letter.follower());
        });
        letter.traceId().ifPresent(trace -> tree.put("trace_id", trace));
        return tree;
    }

    @Command(
            name = "redrive",
            aliases = "replay",
            description = "Put letters back, in order. Exit status 1 if some were refused.",
            mixinStandardHelpOptions = true)
    static final class PutBack implements Callable<Integer> {
        @Spec
        private CommandSpec spec;

        @Mixin
        private PackOptions packs;

        @Mixin
        private TenantOptions tenant;

        @Mixin
        private Filter filter;

        @Option(names = "--rate", paramLabel = "N", description = "Letters per second; default 100.")
        private double rate = 100;

        @Option(names = "--max", paramLabel = "N", description = "Letters at most.")
        private int max = Integer.MAX_VALUE;

        @Option(
                names = "--max-redrives",
                paramLabel = "N",
                description = "How often one letter may be put back in all; default 3.")
        private int maxRedrives = 3;

        @Option(names = "--progress", description = "Say on standard error every two seconds what is left.")
        private boolean progress;

        @Option(names = "--dry-run", description = "Say what would happen, and do nothing.")
        private boolean dryRun;

        @SuppressWarnings("NullAway.Init")
        PutBack() {}

        @Override
        public Integer call() throws InterruptedException {
            if (!(rate > 0) || max < 1 || maxRedrives < 1) {
                throw new EventsException(
                        ErrorCode.INVALID_ARGUMENT, "--rate, --max and --max-redrives must be positive");
            }
            DeadLetterFilter wanted = filter.build();
            RedriveOptions options = RedriveOptions.STANDARD
                    .rate(rate)
                    .max(max)
                    .maxRedrives(maxRedrives)
                    .dryRun(dryRun);
            return DlqCommand.with(spec, packs, tenant, letters -> {
                Thread teller =
                        progress(progress, letters, wanted, spec.commandLine().getErr());
                try {
                    return redrive(
                            letters, wanted, options, dryRun, spec.commandLine().getOut());
                } finally {
                    teller.interrupt();
                    teller.join();
                }
            });
        }
    }

    /** Says every two seconds what is left, if that is wanted. */
    private static Thread progress(boolean wanted, DeadLetters letters, DeadLetterFilter filter, PrintWriter err) {
        Thread thread = new Thread(
                () -> {
                    try {
                        while (wanted) {
                            Thread.sleep(2_000);
                            long left = letters.groups(filter).stream()
                                    .mapToLong(DeadLetterGroup::count)
                                    .sum();
                            err.println(left + " dead letters left");
                        }
                    } catch (InterruptedException done) {
                        return;
                    }
                },
                "progress");
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    static int redrive(
            DeadLetters letters, DeadLetterFilter filter, RedriveOptions options, boolean dryRun, PrintWriter out)
            throws InterruptedException {
        RedriveReport report = letters.redrive(filter, options);
        report.problems()
                .forEach(problem -> out.println(
                        "refused " + problem.letter() + ": " + problem.reason() + " (" + problem.code() + ")"));
        out.println((dryRun ? "would put back " : "put back ") + report.redriven() + ", resolved " + report.resolved()
                + ", refused " + report.refused());
        return report.refused() == 0 ? 0 : 1;
    }

    @Command(name = "purge", description = "Delete letters for good.", mixinStandardHelpOptions = true)
    static final class Purge extends OfTenant {
        @Mixin
        private Filter filter;

        @Option(names = "--all", description = "Every letter of the tenant, where no filter is given.")
        private boolean all;

        @SuppressWarnings("NullAway.Init")
        Purge() {}

        @Override
        public Integer call() throws InterruptedException {
            if (filter.isEmpty() != all) {
                throw new EventsException(
                        ErrorCode.INVALID_ARGUMENT,
                        "purge deletes for good: name the letters by a filter such as --topic or --id, or say --all");
            }
            DeadLetterFilter wanted = filter.build();
            return with(letters -> {
                out().println("deleted " + letters.purge(wanted));
                return 0;
            });
        }
    }
}

package ai.greentic.events.harness;

import ai.greentic.events.Payload;
import com.github.jknack.handlebars.Context;
import com.github.jknack.handlebars.EscapingStrategy;
import com.github.jknack.handlebars.Handlebars;
import com.github.jknack.handlebars.HandlebarsException;
import com.github.jknack.handlebars.Helper;
import com.github.jknack.handlebars.Options;
import com.github.jknack.handlebars.context.MapValueResolver;
import com.github.jknack.handlebars.io.AbstractTemplateLoader;
import com.github.jknack.handlebars.io.TemplateSource;
import java.io.IOException;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A flow of a pack that asks questions and fills a template in with the answers, straight from one node to the next. The template is
 * Handlebars and comes from the pack, so it sees the answers and nothing else: no files, no classes, no other templates.
 */
final class ConfigFlow {
    private static final Handlebars TEMPLATES = new Handlebars(new NoTemplates())
            .with(EscapingStrategy.NOOP)
            .registerHelper("json", (value, options) -> Payload.of(value).json())
            .registerHelper(
                    "default", (value, options) -> value == null || "".equals(value) ? options.param(0, "") : value)
            .registerHelper("ifEq", new IfEqual())
            .registerHelper("include", new Refused())
            .registerHelper("embedded", new Refused())
            .registerHelper("precompile", new Refused());

    private final String id;
    private final Map<?, ?> flow;

    /** What it says when it cannot be run. */
    static final class FlowException extends Exception {
        private static final long serialVersionUID = 1;

        FlowException(String message) {
            super(message);
        }
    }

    private static final class NoTemplates extends AbstractTemplateLoader {
        @Override
        public TemplateSource sourceAt(String location) throws IOException {
            throw new IOException("the template refers to another one, '" + location + "'");
        }
    }

    private static final class Refused implements Helper<Object> {
        @Override
        public Object apply(Object value, Options options) throws IOException {
            throw new IOException("the template uses " + options.helperName + ", which is not for packs");
        }
    }

    private static final class IfEqual implements Helper<Object> {
        @Override
        public Object apply(@Nullable Object value, Options options) throws IOException {
            return Objects.equals(String.valueOf(value), String.valueOf(options.<@Nullable Object>param(0, null)))
                    ? options.fn()
                    : options.inverse();
        }
    }

    /**
     * @param flow its document
     */
    ConfigFlow(String id, Map<?, ?> flow) {
        this.id = id;
        this.flow = flow;
    }

    private FlowException failed(String why) {
        return new FlowException("flow " + id + ": " + why);
    }

    /**
     * Runs it, and returns the {@code node} of what its template says.
     *
     * @param given answers by question; where there is none, the question's default counts
     */
    @Nullable
    Object run(Map<?, ?> given) throws FlowException {
        if (!(flow.get("nodes") instanceof Map<?, ?> nodes) || nodes.isEmpty()) {
            throw failed("it has no nodes");
        }
        Map<String, @Nullable Object> answers = new LinkedHashMap<>();
        given.forEach((key, value) -> answers.put(String.valueOf(key), value));
        Set<String> seen = new HashSet<>();
        String next = flow.get("start") instanceof String start
                ? start
                : String.valueOf(nodes.keySet().iterator().next());
        while (next != null) {
            if (!seen.add(next)) {
                throw failed("it comes back to node " + next + "; only straight flows are run");
            }
            if (!(nodes.get(next) instanceof Map<?, ?> node)) {
                throw failed("it leads to node " + next + ", which is not there");
            }
            if (node.get("template") instanceof String template) {
                return render(next, template, answers);
            }
            if (!(node.get("questions") instanceof Map<?, ?> questions)) {
                throw failed("node " + next + " is neither questions nor a template, which is all that is run here");
            }
            ask(questions, answers);
            next = next(next, node.get("routing"));
        }
        throw failed("it ends without a template");
    }

    private void ask(Map<?, ?> questions, Map<String, @Nullable Object> answers) throws FlowException {
        for (Object field : questions.get("fields") instanceof List<?> fields ? fields : List.of()) {
            if (!(field instanceof Map<?, ?> question) || !(question.get("id") instanceof String key)) {
                throw failed("a question has no id");
            }
            if (!answers.containsKey(key)) {
                if (!question.containsKey("default")) {
                    throw failed("question " + key + " has no answer and no default");
                }
                answers.put(key, question.get("default"));
            }
        }
    }

    /** Where it goes on; null at its end. */
    private @Nullable String next(String node, @Nullable Object routing) throws FlowException {
        Object only = routing instanceof List<?> list
                ? (list.size() == 1 ? list.get(0) : list.isEmpty() ? null : list)
                : routing;
        if (only == null || "out".equals(only) || "end".equals(only)) {
            return null;
        }
        if (only instanceof Map<?, ?> route) {
            if (route.get("to") instanceof String to && route.size() == 1) {
                return to;
            }
            if (Boolean.TRUE.equals(route.get("out"))) {
                return null;
            }
        }
        throw failed("node " + node + " branches; only straight flows are run");
    }

    private @Nullable Object render(String node, String template, Map<String, @Nullable Object> answers)
            throws FlowException {
        Map<String, @Nullable Object> model = new LinkedHashMap<>(answers);
        model.put("state", answers);
        Object said;
        try {
            Context context = Context.newBuilder(model)
                    .resolver(MapValueResolver.INSTANCE)
                    .build();
            said = Payload.json(TEMPLATES.compileInline(template).apply(context))
                    .as(Object.class);
        } catch (HandlebarsException | IOException e) {
            throw failed("the template of node " + node + " cannot be filled in: " + firstLine(e.getMessage()));
        } catch (StackOverflowError e) {
            throw failed("the template of node " + node + " nests too deeply");
        } catch (RuntimeException e) {
            throw failed("the template of node " + node + " gives no JSON: " + firstLine(e.getMessage()));
        }
        if (said instanceof Map<?, ?> result && result.get("node_id") instanceof String && result.containsKey("node")) {
            return result.get("node");
        }
        throw failed("the template of node " + node + " must give an object with node_id and node");
    }

    private static String firstLine(@Nullable String message) {
        return String.valueOf(message).lines().findFirst().orElse("").replaceFirst("inline@[0-9a-f]+", "line");
    }
}

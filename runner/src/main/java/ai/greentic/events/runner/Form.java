package ai.greentic.events.runner;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Nearest;
import ai.greentic.events.Payload;
import ai.greentic.events.codec.Timestamps;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** An object of a request, with its place in it. What is wrong is collected, and reading goes on. */
final class Form {
    private final Map<String, Payload> fields;
    private final String path;
    private final List<String> problems;

    private Form(Map<String, Payload> fields, String path, List<String> problems) {
        this.fields = fields;
        this.path = path;
        this.problems = problems;
    }

    static Form root(byte[] json, String what, List<String> problems) {
        return new Form(Fields.of(json, what), "", problems);
    }

    private static boolean isObject(Payload value) {
        return value.json().startsWith("{");
    }

    String at(String name) {
        return path.isEmpty() ? name : path + "." + name;
    }

    void problem(String name, String sentence) {
        problems.add(at(name) + " " + sentence);
    }

    /** A value that is there; the schemas know no null but for payloads. */
    @Nullable
    Payload value(String name) {
        return fields.get(name);
    }

    Map<String, Payload> others(Set<String> known) {
        Map<String, Payload> others = new LinkedHashMap<>(fields);
        others.keySet().removeAll(known);
        return others;
    }

    void close(Set<String> known) {
        others(known).keySet().forEach(name -> problem(name, "is not known" + Nearest.hint(name, known)));
    }

    /** An object below, or an empty one if it is not there. */
    Form form(String name) {
        Payload value = fields.get(name);
        if (value == null) {
            return new Form(Map.of(), at(name), problems);
        }
        if (!isObject(value)) {
            problem(name, "must be an object");
            return new Form(Map.of(), at(name), problems);
        }
        return new Form(Fields.of(value.toBytes(), at(name)), at(name), problems);
    }

    boolean has(String name) {
        return fields.containsKey(name);
    }

    void require(String name) {
        if (!has(name)) {
            problem(name, "is missing");
        }
    }

    /** A text that is not blank; null if it is not there, or reported. */
    @Nullable
    String text(String name) {
        Payload value = fields.get(name);
        if (value == null) {
            return null;
        }
        if (!value.json().startsWith("\"")) {
            problem(name, "must be a text");
            return null;
        }
        String text = value.as(String.class);
        if (text.isBlank()) {
            problem(name, "is blank");
            return null;
        }
        return text;
    }

    /** A whole number of at least so much; null if it is not there, or reported. */
    @Nullable
    Long number(String name, long least) {
        Payload value = fields.get(name);
        if (value == null) {
            return null;
        }
        try {
            long number = new BigDecimal(value.json()).longValueExact();
            if (number >= least) {
                return number;
            }
        } catch (ArithmeticException | NumberFormatException none) {
            problem(name, "must be an integer of at least " + least);
            return null;
        }
        problem(name, "must be an integer of at least " + least);
        return null;
    }

    @Nullable
    Instant time(String name) {
        String text = text(name);
        if (text == null) {
            return null;
        }
        try {
            return Timestamps.parse(text);
        } catch (EventsException e) {
            problem(name, "is '" + text + "'; it must be a time as in 2026-01-31T12:00:00Z");
            return null;
        }
    }

    /** One of these words; null if it is not there, or reported. */
    @Nullable
    String word(String name, List<String> words) {
        Payload value = fields.get(name);
        if (value == null) {
            return null;
        }
        for (String word : words) {
            if (value.equals(Payload.of(word))) {
                return word;
            }
        }
        problem(name, "must be one of " + String.join(", ", words));
        return null;
    }

    /** An object of texts. */
    Map<String, String> texts(String name) {
        Map<String, String> texts = new LinkedHashMap<>();
        Form values = form(name);
        values.fields.forEach((key, value) -> {
            if (value.json().startsWith("\"")) {
                texts.put(key, value.as(String.class));
            } else {
                values.problem(key, "must be a text");
            }
        });
        return texts;
    }

    /** A list of texts that are not blank. */
    void checkTexts(String name) {
        Payload value = fields.get(name);
        if (value == null) {
            return;
        }
        if (!value.json().startsWith("[")) {
            problem(name, "must be a list of texts");
            return;
        }
        List<Payload> items = Fields.items(fields, name, at(name));
        for (int i = 0; i < items.size(); i++) {
            Form item = new Form(Map.of(name + "[" + i + "]", items.get(i)), path, problems);
            String unused = item.text(name + "[" + i + "]");
        }
    }

    static void refuse(List<String> problems, String what) {
        if (!problems.isEmpty()) {
            throw EventsException.several(ErrorCode.INVALID_ENVELOPE, what + " cannot be used", problems);
        }
    }

    static List<String> none() {
        return new ArrayList<>();
    }
}

package ai.greentic.events.pack;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.Nearest;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/**
 * A node of a YAML, JSON or CBOR document with its place in it. Reads by the types that the reader expects: a plain scalar where text is expected is its own
 * text, {@code 1.0} stays {@code 1.0} and {@code yes} stays {@code yes}. Merge keys are followed, repeated keys refused. What does not
 * fit is reported with place and line, and reading goes on.
 */
final class Tree {
    static final int MAX_DEPTH = 64;

    private final Node node;
    private final String path;
    private final int depth;
    private final Problems problems;
    private @Nullable Map<String, Tree> entries;

    private Tree(Node node, String path, int depth, Problems problems) {
        this.node = node;
        this.path = path;
        this.depth = depth;
        this.problems = problems;
        if (depth > MAX_DEPTH || !problems.mayVisit()) {
            throw new EventsException(
                    ErrorCode.INVALID_PACK,
                    "the document nests deeper than " + MAX_DEPTH
                            + " levels or its aliases expand to more than 100000 nodes; it looks like an attack");
        }
    }

    static Tree root(Node node, Problems problems) {
        return new Tree(node, "", 0, problems);
    }

    private Tree child(Node child, String name) {
        return new Tree(
                child,
                path.isEmpty() ? name : name.startsWith("[") ? path + name : path + "." + name,
                depth + 1,
                problems);
    }

    String path() {
        return path;
    }

    /** Reports that this node breaks a rule of the format. */
    void problem(String sentence) {
        problem(PackValidator.MANIFEST_INVALID, sentence);
    }

    /** Reports that this node breaks the rule that a code stands for. */
    void problem(String code, String sentence) {
        String line = node.getStartMark()
                .map(mark -> " (line " + (mark.getLine() + 1) + ")")
                .orElse("");
        problems.add(code, (path.isEmpty() ? "the document" : path) + line, sentence);
    }

    boolean isNull() {
        return node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.NULL);
    }

    boolean isMapping() {
        return node instanceof MappingNode;
    }

    /** The entries of a mapping in order, merged ones after its own; empty, and reported, if it is none. */
    Map<String, Tree> entries() {
        Map<String, Tree> known = entries;
        if (known == null) {
            known = Collections.unmodifiableMap(readEntries());
            entries = known;
        }
        return known;
    }

    private Map<String, Tree> readEntries() {
        Map<String, Tree> entries = new LinkedHashMap<>();
        if (!(node instanceof MappingNode mapping)) {
            problem("is " + kind() + "; it must be a mapping");
            return entries;
        }
        List<Tree> merged = new ArrayList<>();
        for (NodeTuple tuple : mapping.getValue()) {
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                problem("has a key that is not plain text");
                continue;
            }
            Tree value = child(tuple.getValueNode(), key.getValue());
            if (key.getValue().equals("<<") && key.isPlain()) {
                merged.addAll(value.node instanceof SequenceNode ? value.items() : List.of(value));
            } else if (entries.put(key.getValue(), value) != null) {
                value.problem("stands twice; keep one");
            }
        }
        for (Tree source : merged) {
            source.entries().forEach((key, value) -> entries.putIfAbsent(key, child(value.node, key)));
        }
        return entries;
    }

    /** A child that is there and not null. */
    Optional<Tree> at(String key) {
        return isMapping()
                ? Optional.ofNullable(entries().get(key)).filter(value -> !value.isNull())
                : Optional.empty();
    }

    /** The node at the end of a chain of keys, if every one is there. */
    Optional<Tree> at(String first, String... more) {
        Optional<Tree> found = at(first);
        for (String key : more) {
            found = found.filter(Tree::isMapping).flatMap(value -> value.at(key));
        }
        return found;
    }

    /** The items of a sequence; empty, and reported, if it is none. */
    List<Tree> items() {
        List<Tree> items = new ArrayList<>();
        if (!(node instanceof SequenceNode sequence)) {
            problem("is " + kind() + "; it must be a list");
            return items;
        }
        for (Node item : sequence.getValue()) {
            items.add(child(item, "[" + items.size() + "]"));
        }
        return items;
    }

    List<Tree> items(String key) {
        return at(key).map(Tree::items).orElse(List.of());
    }

    /** The text of a scalar as it is written; empty, and reported, if it is none. */
    Optional<String> text() {
        if (node instanceof ScalarNode scalar) {
            return Optional.of(scalar.getValue());
        }
        problem("is " + kind() + "; it must be text");
        return Optional.empty();
    }

    Optional<String> text(String key) {
        return at(key).flatMap(Tree::text);
    }

    /** Text that must be there and not blank; reported if it is not. */
    String required(String key) {
        Optional<Tree> value = at(key);
        if (value.isEmpty()) {
            problem("lacks " + key);
            return "";
        }
        String text = value.get().text().orElse("");
        if (text.isBlank() && value.get().node instanceof ScalarNode) {
            value.get().problem("is blank");
        }
        return text;
    }

    /** One of the constants of an enum, by its lower-case name; absent if it is not there, reported if it is another word. */
    <E extends Enum<E>> Optional<E> word(String key, Class<E> type) {
        return at(key).flatMap(value -> value.text().flatMap(text -> {
            List<String> known = new ArrayList<>();
            for (E constant : java.util.Objects.requireNonNull(type.getEnumConstants())) {
                String word = constant.name().toLowerCase(Locale.ROOT);
                if (word.equals(text)) {
                    return Optional.of(constant);
                }
                known.add(word);
            }
            value.problem("is '" + text + "'; it must be one of " + String.join(", ", known)
                    + Nearest.to(text, known)
                            .map(near -> "; did you mean " + near + "?")
                            .orElse(""));
            return Optional.empty();
        }));
    }

    /** The value by YAML's own typing: null, boolean, integer, decimal, text, list or map. */
    @Nullable
    Object value() {
        if (node instanceof ScalarNode scalar) {
            Tag tag = scalar.getTag();
            String text = scalar.getValue();
            if (tag.equals(Tag.NULL)) {
                return null;
            }
            if (tag.equals(Tag.BOOL)) {
                return Boolean.valueOf(text.toLowerCase(Locale.ROOT));
            }
            try {
                if (tag.equals(Tag.INT)) {
                    BigInteger number = integer(text);
                    return number.bitLength() < 64 ? (Object) number.longValueExact() : number;
                }
                if (tag.equals(Tag.FLOAT)) {
                    return new BigDecimal(text);
                }
            } catch (NumberFormatException special) {
                return text;
            }
            return text;
        }
        if (node instanceof SequenceNode) {
            return items().stream().map(Tree::value).toList();
        }
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        entries().forEach((key, value) -> map.put(key, value.value()));
        return map;
    }

    private static BigInteger integer(String text) {
        String digits = text.startsWith("+") ? text.substring(1) : text;
        if (digits.length() > 100) {
            throw new NumberFormatException();
        }
        if (digits.startsWith("0x")) {
            return new BigInteger(digits.substring(2), 16);
        }
        return digits.startsWith("0o") ? new BigInteger(digits.substring(2), 8) : new BigInteger(digits);
    }

    private String kind() {
        return node instanceof MappingNode
                ? "a mapping"
                : node instanceof SequenceNode ? "a list" : "the plain value '" + ((ScalarNode) node).getValue() + "'";
    }
}

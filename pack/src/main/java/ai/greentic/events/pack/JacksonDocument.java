package ai.greentic.events.pack;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.util.ArrayList;
import java.util.List;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.dataformat.cbor.CBORFactory;

/** Reads one CBOR or JSON document into the same nodes as YAML, limited in depth, in nodes and in the length of texts. */
final class JacksonDocument {
    private static final int MAX_NODES = 100_000;
    private static final StreamReadConstraints LIMITS = StreamReadConstraints.builder()
            .maxNestingDepth(Tree.MAX_DEPTH)
            .maxStringLength(1 << 20)
            .maxNameLength(1 << 12)
            .maxNumberLength(100)
            .build();
    private static final TokenStreamFactory CBOR =
            CBORFactory.builder().streamReadConstraints(LIMITS).build();
    private static final TokenStreamFactory JSON =
            JsonFactory.builder().streamReadConstraints(LIMITS).build();

    private final String name;
    private int nodes;

    private JacksonDocument(String name) {
        this.name = name;
    }

    /** Reads JSON if the name ends so, else CBOR. */
    static Tree read(byte[] document, String name, Problems problems) {
        return read(name.endsWith(".json") ? JSON : CBOR, document, name, problems);
    }

    static Tree json(byte[] document, String name, Problems problems) {
        return read(JSON, document, name, problems);
    }

    private static Tree read(TokenStreamFactory format, byte[] document, String name, Problems problems) {
        try (JsonParser parser = format.createParser(ObjectReadContext.empty(), document)) {
            JacksonDocument reader = new JacksonDocument(name);
            if (parser.nextToken() == null) {
                throw reader.refused("it is empty", null);
            }
            Node root = reader.node(parser);
            if (parser.nextToken() != null) {
                throw reader.refused("something follows the document", null);
            }
            return Tree.root(root, problems);
        } catch (JacksonException e) {
            throw new JacksonDocument(name).refused(String.valueOf(e.getOriginalMessage()), e);
        }
    }

    private Node node(JsonParser parser) {
        if (++nodes > MAX_NODES) {
            throw refused("it has more than " + MAX_NODES + " values", null);
        }
        JsonToken token = parser.currentToken();
        return switch (token) {
            case START_OBJECT -> {
                List<NodeTuple> entries = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_OBJECT) {
                    Node key = new ScalarNode(Tag.STR, parser.currentName(), ScalarStyle.DOUBLE_QUOTED);
                    parser.nextToken();
                    entries.add(new NodeTuple(key, node(parser)));
                }
                yield new MappingNode(Tag.MAP, entries, FlowStyle.FLOW);
            }
            case START_ARRAY -> {
                List<Node> items = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    items.add(node(parser));
                }
                yield new SequenceNode(Tag.SEQ, items, FlowStyle.FLOW);
            }
            case VALUE_NULL -> scalar(Tag.NULL, "null");
            case VALUE_TRUE, VALUE_FALSE -> scalar(Tag.BOOL, parser.getString());
            case VALUE_NUMBER_INT -> scalar(Tag.INT, parser.getBigIntegerValue().toString());
            case VALUE_NUMBER_FLOAT -> scalar(Tag.FLOAT, parser.getString());
            case VALUE_STRING -> scalar(Tag.STR, parser.getString());
            case VALUE_EMBEDDED_OBJECT -> {
                // CBOR's simple values arrive so too.
                if (!(parser.getEmbeddedObject() instanceof byte[] bytes)) {
                    throw refused("it has a simple value that CBOR gives no meaning", null);
                }
                yield scalar(Tag.BINARY, java.util.Base64.getEncoder().encodeToString(bytes));
            }
            default -> throw refused("it has " + token + " where a value should be", null);
        };
    }

    private static Node scalar(Tag tag, String text) {
        return new ScalarNode(tag, text, ScalarStyle.DOUBLE_QUOTED);
    }

    private EventsException refused(String why, @org.jspecify.annotations.Nullable Throwable cause) {
        return new EventsException(ErrorCode.INVALID_PACK, name + " cannot be read: " + why, cause);
    }
}

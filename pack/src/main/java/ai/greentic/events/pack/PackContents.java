package ai.greentic.events.pack;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/**
 * What a validator looks at beyond what a pack is used for.
 *
 * @param manifest the document that describes the pack
 * @param flows ids of its flows, each with the {@code schema_version} that it says
 * @param hasFile whether there is a file at a path
 */
record PackContents(Tree manifest, Map<String, Optional<String>> flows, Predicate<String> hasFile) {
    static final PackContents NONE = new PackContents(
            Tree.root(new MappingNode(Tag.MAP, java.util.List.of(), FlowStyle.BLOCK), new Problems()),
            Map.of(),
            path -> false);

    /** The flows that a document lists, by id or as texts. */
    static Map<String, Optional<String>> flows(Tree document) {
        Map<String, Optional<String>> flows = new TreeMap<>();
        for (Tree flow : document.items("flows")) {
            if (flow.isMapping()) {
                Optional<String> schema = flow.at("flow", "schema_version").flatMap(Tree::text);
                flow.text("id").ifPresent(id -> flows.put(id, schema));
            } else {
                flow.text().ifPresent(id -> flows.put(id, Optional.empty()));
            }
        }
        return flows;
    }
}

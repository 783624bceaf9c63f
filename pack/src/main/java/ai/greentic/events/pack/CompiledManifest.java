package ai.greentic.events.pack;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/** The current model of {@code manifest.cbor}: names stand in tables, and everything else points into them. A pointer past its table is reported. */
final class CompiledManifest {
    private final Tree manifest;
    private final Map<String, List<String>> tables = new HashMap<>();

    CompiledManifest(Tree manifest) {
        this.manifest = manifest;
    }

    Pack pack(
            Path location,
            Function<String, Optional<Tree>> beside,
            PackVerification verification,
            PackContents contents) {
        if (manifest.at("symbols").filter(Tree::isMapping).isEmpty()) {
            manifest.problem("has neither meta nor symbols; it is no manifest of a pack");
            return new Pack(location, "", "", Pack.Layout.D, List.of(), PackExtras.NONE, verification, contents);
        }
        String id = symbol(manifest, "pack_id", "pack_ids");
        String version = manifest.required("version");
        manifest.items("components").forEach(component -> symbol(component, "id", "component_ids"));
        manifest.items("capabilities").forEach(capability -> symbol(capability, "name", "capability_names"));
        manifest.items("dependencies").forEach(this::dependency);
        Map<String, String> entryFlows = new TreeMap<>();
        manifest.items("flows").forEach(flow -> flow(flow, entryFlows));
        PackExtras extras = new ExtrasReader(beside).read(manifest);
        return new Pack(
                location,
                id,
                version,
                Pack.Layout.D,
                List.of(),
                extras.entryFlows().isEmpty() ? extras.withEntryFlows(entryFlows) : extras,
                verification,
                contents);
    }

    private void dependency(Tree dependency) {
        symbol(dependency, "pack_id", "pack_ids");
        if (dependency.isMapping()) {
            dependency.items("required_capabilities").forEach(index -> symbol(index, "capability_names"));
        }
    }

    /** A flow is entered where it says, else by its own name. */
    private void flow(Tree entry, Map<String, String> entryFlows) {
        if (!entry.isMapping()) {
            entry.problem("is not a mapping; a flow has an id");
            return;
        }
        String id = entry.required("id");
        List<Tree> points = entry.items("entrypoints");
        points.forEach(point -> point.text().ifPresent(name -> entryFlows.put(name, id)));
        if (points.isEmpty()) {
            entryFlows.put(id, id);
        }
        for (Tree node : entry.at("flow")
                .filter(Tree::isMapping)
                .map(flow -> flow.items("nodes"))
                .orElse(List.of())) {
            symbol(node, "id", "node_ids");
            node.at("component").ifPresent(component -> symbol(component, "id", "component_ids"));
            node.at("routing", "Next").ifPresent(next -> symbol(next, "node_id", "node_ids"));
        }
    }

    private String symbol(Tree holder, String key, String table) {
        if (!holder.isMapping()) {
            holder.problem("is not a mapping with " + key);
            return "";
        }
        Optional<Tree> index = holder.at(key);
        if (index.isEmpty()) {
            holder.problem("lacks " + key);
        }
        return index.map(value -> symbol(value, table)).orElse("");
    }

    private String symbol(Tree index, String table) {
        List<String> symbols = tables.computeIfAbsent(table, this::table);
        if (index.value() instanceof Long number && number >= 0 && number < symbols.size()) {
            return symbols.get(number.intValue());
        }
        index.problem("is " + index.value() + "; it must be an index into symbols." + table + ", which has "
                + symbols.size() + " entries");
        return "";
    }

    private List<String> table(String table) {
        List<String> symbols = new ArrayList<>();
        manifest.at("symbols", table)
                .ifPresent(list ->
                        list.items().forEach(item -> symbols.add(item.text().orElse(""))));
        return symbols;
    }
}

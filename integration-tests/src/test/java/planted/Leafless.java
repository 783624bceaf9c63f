package planted;

import planted.bus.Engine;

/** Breaks: vocabulary is a leaf; nothing below the engine sees the engine; cycles. */
public class Leafless {
    Engine engine;
    tools.jackson.databind.ObjectMapper mapper;
    org.snakeyaml.engine.v2.nodes.Node node;
    picocli.CommandLine line;
}

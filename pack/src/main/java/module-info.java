/** Pack manifests to the fabric's configuration. */
module ai.greentic.events.pack {
    requires transitive ai.greentic.events;
    requires org.apache.commons.codec;
    requires org.apache.commons.compress;
    requires org.jspecify;
    requires org.snakeyaml.engine;
    requires tools.jackson.core;
    requires tools.jackson.dataformat.cbor;

    exports ai.greentic.events.pack;
}

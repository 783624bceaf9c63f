/** Pack manifests to the fabric's configuration. */
module ai.greentic.events.pack {
    requires transitive ai.greentic.events;
    requires org.jspecify;
    requires org.snakeyaml.engine;

    exports ai.greentic.events.pack;
}

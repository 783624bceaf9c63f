/** Packs from OCI registries. */
@SuppressWarnings("requires-automatic")
module ai.greentic.events.oci {
    requires transitive ai.greentic.events;
    // What the registry client is made of; it is no module and cannot say so.
    requires java.net.http;
    requires oras.java.sdk;
    requires org.apache.commons.compress;
    requires org.jspecify;
    requires org.slf4j;

    exports ai.greentic.events.oci;
}

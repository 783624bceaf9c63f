/** The greentic-events command. */
module ai.greentic.events.cli {
    requires ai.greentic.events.embedded;
    requires ai.greentic.events;
    requires ai.greentic.events.config;
    requires ai.greentic.events.oci;
    requires ai.greentic.events.pack;
    requires info.picocli;
    requires org.jspecify;

    opens ai.greentic.events.cli to
            info.picocli;

    exports ai.greentic.events.cli;
}

package ai.greentic.events.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ExamplesTest {
    private interface Program {
        void run(String[] args) throws Exception;
    }

    private static String run(Program program) throws Exception {
        PrintStream console = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            program.run(new String[0]);
        } finally {
            System.setOut(console);
        }
        return out.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
    }

    @Test
    void quickStart() throws Exception {
        assertThat(run(QuickStart::main)).isEqualTo("PUBLISHED\ncharge 1250\n");
    }

    @Test
    void handlers() throws Exception {
        assertThat(run(Handlers::main))
                .isEqualTo("prod/acme {\"state\":\"created\"} at attempt 1\n"
                        + "prod/acme {\"state\":\"shaky\"} at attempt 2\n"
                        + "prod/acme {\"state\":\"shipped\"} at attempt 1\n");
    }
}

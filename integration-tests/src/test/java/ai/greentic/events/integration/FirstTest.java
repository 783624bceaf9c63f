package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.TenantContext;
import ai.greentic.events.testing.TestFabric;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FirstTest {
    @Test
    void deadLetter() {
        TenantContext acme = TenantContext.of("dev", "acme");
        try (TestFabric f = TestFabric.create()) {
            List<Integer> attempts = new ArrayList<>();
            f.bus().subscribe(acme, "a", d -> {
                attempts.add(d.attempt());
                throw new IllegalStateException("boom");
            });
            f.bus().publish(acme, "a", 1);
            f.advance(Duration.ofMinutes(10));
            assertThat(attempts).containsExactly(1, 2, 3, 4, 5);
            assertThat(f.deadLetters(acme)).hasSize(1);
        }
    }
}

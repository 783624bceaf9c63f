package ai.greentic.events.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PoliciesTest {
    @ParameterizedTest
    @CsvSource({
        "FIXED, 1, 0.5, 100",
        "FIXED, 9, 0.5, 100",
        "EXPONENTIAL, 1, 0.5, 100",
        "EXPONENTIAL, 2, 0.5, 200",
        "EXPONENTIAL, 3, 0.5, 400",
        "EXPONENTIAL, 4, 0.5, 800",
        "EXPONENTIAL, 5, 0.5, 1000",
        "EXPONENTIAL, 80, 0.5, 1000",
        "EXPONENTIAL_WITH_JITTER, 1, 0.0, 0",
        "EXPONENTIAL_WITH_JITTER, 2, 0.5, 100",
        "EXPONENTIAL_WITH_JITTER, 80, 0.25, 250",
    })
    void backoffFollowsTheFormulas(Backoff backoff, int failures, double chance, long millis) {
        assertThat(backoff.delay(failures, Duration.ofMillis(100), Duration.ofSeconds(1), chance))
                .isEqualTo(Duration.ofMillis(millis));
    }

    @Test
    void P8_redeliveryEndsWithTheLastAttempt() {
        RedeliveryPolicy policy = new RedeliveryPolicy(2, Duration.ofSeconds(1), Duration.ofSeconds(9), Backoff.FIXED);
        assertThat(policy.decide(1, 0.5)).isEqualTo(new RedeliveryPolicy.Redeliver(Duration.ofSeconds(1)));
        assertThat(policy.decide(2, 0.5)).isInstanceOf(RedeliveryPolicy.DeadLetter.class);
    }

    /** D34: a multiplier is by how much a wait grows, and not only whether it is more than one. */
    @Test
    void aWaitGrowsByItsMultiplier() {
        RetryPolicy policy = RetryPolicy.STANDARD
                .delays(Duration.ofMillis(100), Duration.ofSeconds(1))
                .backoff(Backoff.EXPONENTIAL)
                .multiplier(1.5);
        assertThat(policy.delay(1, 0)).isEqualTo(Duration.ofMillis(100));
        assertThat(policy.delay(2, 0)).isEqualTo(Duration.ofMillis(150));
        assertThat(policy.delay(3, 0)).isEqualTo(Duration.ofMillis(225));
        assertThat(policy.delay(1_000_000, 0)).isEqualTo(Duration.ofSeconds(1));
        assertThat(policy.backoff(Backoff.EXPONENTIAL_WITH_JITTER).delay(3, 0.5))
                .isEqualTo(Duration.ofNanos(112_500_000));
        assertThat(policy.backoff(Backoff.FIXED).delay(3, 0)).isEqualTo(Duration.ofMillis(100));
        assertThat(policy.multiplier(2).delay(3, 0)).isEqualTo(Duration.ofMillis(400));
        assertThat(policy.maxRetries(7).multiplier()).isEqualTo(1.5);
        for (double wrong : new double[] {0.9, Double.NaN, Double.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> policy.multiplier(wrong))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("at least 1");
        }
    }

    @Test
    void overridesMergeFieldByField() {
        ProviderOverrides pack = ProviderOverrides.NONE
                .deadLetterTopic("dead")
                .maxRetries(5)
                .baseDelay(Duration.ofMillis(10))
                .backoff(Backoff.FIXED);
        ProviderOverrides code = ProviderOverrides.NONE.maxRetries(0).retryableErrors(List.of("timeout"));
        ProviderOverrides merged = code.over(pack);
        assertThat(merged)
                .isEqualTo(ProviderOverrides.NONE
                        .deadLetterTopic("dead")
                        .maxRetries(0)
                        .baseDelay(Duration.ofMillis(10))
                        .backoff(Backoff.FIXED)
                        .retryableErrors(List.of("timeout")));
        assertThat(merged.retryPolicy().maxDelay()).isEqualTo(Duration.ofSeconds(30));
        assertThat(ProviderOverrides.NONE.retryPolicy().maxRetries()).isEqualTo(3);
    }

    @Test
    void P14_badOverridesAreNamedWithValueRuleAndRemedy() {
        Map<String, Object> raw = new LinkedHashMap<>(Map.of("other", 1));
        raw.put("retry.max_retries", -1L);
        raw.put("retry.base_delay_ms", "soon");
        raw.put("retry.strategy", "expotential");
        raw.put("retry.retryable_errors", List.of("a", 1));
        raw.put("retry.max_retrys", 1);
        raw.put("dlq_topic", "a*");
        List<String> problems = new ArrayList<>();
        assertThat(ProviderOverrides.take(raw, "x", problems)).isEqualTo(ProviderOverrides.NONE);
        assertThat(raw).containsOnlyKeys("other");
        assertThat(problems).hasSize(6);
        assertThat(String.join("\n", problems))
                .contains("x.retry.max_retries is '-1'; it must be an integer from 0")
                .contains("x.retry.base_delay_ms is 'soon'")
                .contains("did you mean exponential?")
                .contains("x.retry.max_retrys is not a known setting; did you mean retry.max_retries?")
                .contains("x.dlq_topic: topic 'a*'");
    }

    @Test
    void goodOverridesAreReadInAnyCase() {
        Map<String, Object> raw = new LinkedHashMap<>();
        raw.put("retry.max_retries", 7L);
        raw.put("retry.strategy", "Exponential_With_Jitter");
        raw.put("retry.max_delay_ms", 1500);
        List<String> problems = new ArrayList<>();
        ProviderOverrides overrides = ProviderOverrides.take(raw, "x", problems);
        assertThat(problems).isEmpty();
        assertThat(overrides.retryPolicy().maxRetries()).isEqualTo(7);
        assertThat(overrides.retryPolicy().backoff()).isEqualTo(Backoff.EXPONENTIAL_WITH_JITTER);
        assertThat(overrides.retryPolicy().maxDelay()).isEqualTo(Duration.ofMillis(1500));
    }
}

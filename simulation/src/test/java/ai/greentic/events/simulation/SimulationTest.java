package ai.greentic.events.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Fixed seeds and fresh ones; {@code ci/simulate.sh} runs more. */
class SimulationTest {
    private static void assertSound(long seed, int steps) {
        Simulation.Result result = Simulation.run(seed, Step.plan(seed, steps), Plant.NOTHING);
        System.out.println("seed " + seed + ": " + result.account());
        assertThat(result.violations())
                .as("ci/simulate.sh --seed %d --steps %d", seed, steps)
                .isEmpty();
        assertThat(result.account().delivered()).isGreaterThan(steps / 10);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
    void everyPromiseHoldsOnFixedSeeds(long seed) {
        assertSound(seed, 1_500);
    }

    @Test
    void everyPromiseHoldsOnFreshSeeds() {
        long first = System.nanoTime();
        for (int i = 0; i < 5; i++) {
            assertSound(first + i, 1_500);
        }
    }

    /** The same seed, the same run: everything that happened, in the same order. */
    @Test
    void aSeedReplaysExactly() {
        List<Step> plan = Step.plan(77, 1_000);
        Simulation.Result first = Simulation.run(77, plan, Plant.NOTHING);
        Simulation.Result second = Simulation.run(77, plan, Plant.NOTHING);
        assertThat(second.trace()).isEqualTo(first.trace());
        assertThat(second.digest()).isEqualTo(first.digest());
        assertThat(Simulation.run(78, plan, Plant.NOTHING).digest()).isNotEqualTo(first.digest());
    }

    /** Each checker finds what was put there for it, within a few seeds. */
    @ParameterizedTest
    @CsvSource({
        "LOSE_ACCEPTED, P1",
        "LOSE_LETTERS, P1",
        "FORGET_KEYS, P3",
        "MIX_UP_TENANTS, P1",
        "REORDER, P6",
        "BLOCK_SHARDS, P7",
        "REDELIVER_EARLY, P8",
        "GO_DEAF, P1",
        "CHANGE_PAYLOADS, P11"
    })
    void aPlantedDefectIsFound(Plant plant, String promise) {
        for (long seed = 1; seed <= 10; seed++) {
            Simulation.Result result = Simulation.run(seed, Step.plan(seed, 600), plant);
            if (result.violations().stream().anyMatch(violation -> violation.startsWith(promise + ":"))) {
                System.out.println(plant + " found by seed " + seed + ": " + result.violations());
                return;
            }
        }
        throw new AssertionError(plant + " was not found in ten seeds");
    }

    @Test
    void aFailingRunIsShrunk() {
        for (long seed = 1; seed <= 10; seed++) {
            List<Step> plan = Step.plan(seed, 80);
            Simulation.Result result = Simulation.run(seed, plan, Plant.LOSE_ACCEPTED);
            if (!result.violations().isEmpty()) {
                List<Step> shortest = Simulation.shrink(
                        seed, plan, Plant.LOSE_ACCEPTED, result.violations().get(0));
                assertThat(shortest).hasSizeLessThan(plan.size() / 2);
                assertThat(Simulation.run(seed, shortest, Plant.LOSE_ACCEPTED).violations())
                        .isNotEmpty();
                return;
            }
        }
        throw new AssertionError("nothing failed");
    }
}

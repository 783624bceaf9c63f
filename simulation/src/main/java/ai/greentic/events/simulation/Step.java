package ai.greentic.events.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * One thing that happens. Its choices come from a seed of its own, so that leaving other steps out does not change it.
 *
 * @param kind what happens
 * @param seed of its choices
 */
record Step(Kind kind, long seed) {
    /** What can happen, and how often among 1,000 steps. */
    enum Kind {
        PUBLISH(520),
        PUBLISH_AGAIN_UNDER_A_KEY(50),
        PUBLISH_WITH_TIME_TO_LIVE(20),
        PUBLISH_FOR_LATER(20),
        PUBLISH_WHAT_IS_FORBIDDEN(10),
        WAIT(255),
        WAIT_LONG(20),
        JOIN(25),
        LEAVE(20),
        CRASH(6),
        STOP(4),
        START(20),
        PARTITION(7),
        HEAL(10),
        LETTERS_FAIL(3),
        LETTERS_WORK(6),
        REDRIVE(4);

        final int weight;

        Kind(int weight) {
            this.weight = weight;
        }
    }

    /** Draws a plan from a seed. */
    static List<Step> plan(long seed, int steps) {
        Random random = new Random(seed);
        int sum = 0;
        for (Kind kind : Kind.values()) {
            sum += kind.weight;
        }
        List<Step> plan = new ArrayList<>(steps);
        for (int i = 0; i < steps; i++) {
            int drawn = random.nextInt(sum);
            Kind chosen = Kind.PUBLISH;
            for (Kind kind : Kind.values()) {
                drawn -= kind.weight;
                if (drawn < 0) {
                    chosen = kind;
                    break;
                }
            }
            plan.add(new Step(chosen, random.nextLong()));
        }
        return plan;
    }
}

package ai.greentic.events.simulation;

import ai.greentic.events.TenantContext;
import ai.greentic.events.bus.PublishOptions;
import ai.greentic.events.testing.Ledger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * Runs of the real engine over a simulated world: three processes, three tenants, two groups each, a broker and stores that they share.
 * Requests and answers get lost or come late, members come and go, processes die and begin again, handlers fail; then everything is
 * healed, and the account is drawn. The same seed gives the same run, step for step.
 *
 * <p>{@code Simulation [--seed N] [--seeds COUNT] [--steps N] [--plant DEFECT]}; a failing run is shrunk to a short one and its last
 * events are printed. Exit code 1 if any promise was broken.
 */
public final class Simulation {
    private static final int SHRINKING_RUNS = Integer.getInteger("simulation.shrink", 150);
    private static final Duration LONGEST_RECOVERY = Duration.ofHours(1);

    private Simulation() {}

    /**
     * What a run came to.
     *
     * @param violations promises broken, in the order of finding out; none if all is well
     * @param account of the ledger
     * @param digest stands for everything that happened: equal for two runs of one seed
     * @param trace the last things that happened
     */
    record Result(List<String> violations, Ledger.Account account, long digest, List<String> trace) {}

    public static void main(String[] args) {
        long seed = 1;
        int seeds = 1;
        int steps = 10_000;
        Plant plant = Plant.NOTHING;
        for (int i = 0; i < args.length; i += 2) {
            String value = i + 1 < args.length ? args[i + 1] : "";
            switch (args[i]) {
                case "--seed" -> seed = number(args[i], value, Long.MIN_VALUE, Long.MAX_VALUE);
                case "--seeds" -> seeds = (int) number(args[i], value, 1, 1_000_000);
                case "--steps" -> steps = (int) number(args[i], value, 1, 10_000_000);
                case "--plant" -> plant = plant(value);
                default -> throw refuse("unknown option '" + args[i] + "'; use --seed, --seeds, --steps or --plant");
            }
        }
        long began = System.nanoTime();
        long attempted = 0;
        long delivered = 0;
        long duplicated = 0;
        int failed = 0;
        for (int i = 0; i < seeds; i++) {
            List<Step> plan = Step.plan(seed + i, steps);
            Result result = run(seed + i, plan, plant);
            attempted += result.account.attempted();
            delivered += result.account.delivered();
            duplicated += result.account.duplicated();
            if (!result.violations.isEmpty()) {
                failed++;
                explain(seed + i, plan, plant, result);
            }
        }
        System.out.printf(
                Locale.ROOT,
                "%d seeds from %d, %d steps each: %d failed; %d events attempted, %d deliveries, %d duplicates; %.1f s%n",
                seeds,
                seed,
                steps,
                failed,
                attempted,
                delivered,
                duplicated,
                (System.nanoTime() - began) / 1e9);
        System.exit(failed == 0 ? 0 : 1);
    }

    private static long number(String option, String value, long least, long most) {
        try {
            long number = Long.parseLong(value);
            if (number >= least && number <= most) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw refuse(option + " is '" + value + "'; it must be a whole number from " + least + " to " + most);
    }

    private static Plant plant(String value) {
        for (Plant plant : Plant.values()) {
            if (plant.name().equalsIgnoreCase(value)) {
                return plant;
            }
        }
        throw refuse("--plant is '" + value + "'; it must be one of " + List.of(Plant.values()));
    }

    private static IllegalArgumentException refuse(String why) {
        System.err.println(why);
        System.exit(2);
        return new IllegalArgumentException(why);
    }

    private static void explain(long seed, List<Step> plan, Plant plant, Result result) {
        System.out.println("seed " + seed + " breaks " + result.violations);
        System.out.println("  " + result.account);
        List<Step> shortest = shrink(seed, plan, plant, result.violations.get(0));
        Result again = run(seed, shortest, plant);
        System.out.println("shrunk from " + plan.size() + " to " + shortest.size() + " steps: "
                + shortest.stream().map(step -> step.kind().name()).toList());
        System.out.println("  " + again.violations + " " + again.account);
        again.trace.forEach(line -> System.out.println("  | " + line));
        System.out.println("again: ci/simulate.sh --seed " + seed + " --steps " + plan.size());
    }

    /** Leaves out as many steps as it can while the same promise is still broken. */
    static List<Step> shrink(long seed, List<Step> plan, Plant plant, String violation) {
        String promise = violation.substring(0, violation.indexOf(':'));
        List<Step> best = plan;
        int runs = 0;
        for (int chunk = best.size() / 2; chunk >= 1 && runs < SHRINKING_RUNS; chunk /= 2) {
            for (int from = 0; from < best.size() && runs < SHRINKING_RUNS; ) {
                List<Step> fewer = new ArrayList<>(best.subList(0, from));
                fewer.addAll(best.subList(Math.min(best.size(), from + chunk), best.size()));
                runs++;
                boolean still = run(seed, fewer, plant).violations.stream().anyMatch(v -> v.startsWith(promise + ":"));
                if (still) {
                    best = fewer;
                } else {
                    from += chunk;
                }
            }
        }
        return best;
    }

    /** One run of a plan. */
    static Result run(long seed, List<Step> plan, Plant plant) {
        World world = new World(seed, plant);
        try {
            for (SimProcess process : world.processes) {
                process.start();
            }
            // Every group has a position before anything is published.
            everybodyJoins(world);
            for (Step step : plan) {
                take(world, step);
            }
            recover(world);
            tryStubbornKeys(world);
            world.judge();
        } catch (RuntimeException | AssertionError e) {
            world.violation("P9", "a defect: " + e + (e.getCause() == null ? "" : " by " + e.getCause()));
        }
        Result result = new Result(
                List.copyOf(world.violations), world.ledger.account(), world.digest(), List.copyOf(world.trace));
        end(world);
        return result;
    }

    private static void everybodyJoins(World world) {
        for (SimProcess process : world.processes) {
            for (TenantContext tenant : World.TENANTS) {
                for (int group = 0; group < World.GROUPS; group++) {
                    process.join(tenant, group);
                }
            }
        }
        world.time.settle();
    }

    private static void take(World world, Step step) {
        Random random = new Random(step.seed());
        SimProcess process = world.processes.get(random.nextInt(World.PROCESSES));
        TenantContext tenant = World.TENANTS.get(random.nextInt(World.TENANTS.size()));
        int group = random.nextInt(World.GROUPS);
        switch (step.kind()) {
            case PUBLISH -> process.publish(random, PublishOptions.NONE, null);
            case PUBLISH_AGAIN_UNDER_A_KEY -> {
                String key = "once-" + random.nextInt(8);
                process.publish(random, PublishOptions.NONE.idempotencyKey(key), key);
            }
            case PUBLISH_WITH_TIME_TO_LIVE ->
                process.publish(random, PublishOptions.NONE.ttl(Duration.ofHours(1_000)), null);
            case PUBLISH_FOR_LATER ->
                process.publish(
                        random, PublishOptions.NONE.deliverAfter(Duration.ofMillis(1 + random.nextInt(5_000))), null);
            case PUBLISH_WHAT_IS_FORBIDDEN -> process.publishForbidden(random);
            case WAIT -> world.time.advance(Duration.ofMillis(random.nextInt(200)));
            case WAIT_LONG -> world.time.advance(Duration.ofMillis(random.nextInt(15_000)));
            case JOIN -> process.join(tenant, group);
            case LEAVE -> process.leave(tenant, group);
            case CRASH -> process.crash();
            case STOP -> process.stop();
            case START -> process.start();
            case PARTITION -> process.cut();
            case HEAL -> process.heal();
            case LETTERS_FAIL -> world.lettersFail(true);
            case LETTERS_WORK -> world.lettersFail(false);
            case REDRIVE -> process.redrive(tenant);
        }
    }

    /** Heals everything and lets time pass until all is dealt with. */
    private static void recover(World world) {
        world.heal();
        world.processes.forEach(SimProcess::heal);
        world.processes.forEach(SimProcess::start);
        world.time.advance(Link.SESSION.multipliedBy(2));
        everybodyJoins(world);
        awaitEverythingDealtWith(world);
    }

    private static void awaitEverythingDealtWith(World world) {
        for (Duration waited = Duration.ZERO;
                !world.isEverythingDealtWith() && waited.compareTo(LONGEST_RECOVERY) < 0;
                waited = waited.plusSeconds(20)) {
            world.time.advance(Duration.ofSeconds(20));
        }
    }

    /** A key of each tenant fails for a while: the others must not notice, and its followers must wait. */
    private static void tryStubbornKeys(World world) {
        SimProcess publisher = world.processes.get(0);
        for (TenantContext tenant : World.TENANTS) {
            publisher.publishForTrial(tenant, "bad", World.STUBBORN);
            for (int i = 0; i < 10; i++) {
                publisher.publishForTrial(tenant, "bad", World.FOLLOWER);
                for (int key = 0; key < 8; key++) {
                    publisher.publishForTrial(tenant, "good-" + key, World.BYSTANDER);
                }
            }
        }
        world.time.advance(World.STUBBORN_DELAY.multipliedBy(2));
        world.judgeTrial();
        awaitEverythingDealtWith(world);
    }

    private static void end(World world) {
        try {
            world.processes.forEach(SimProcess::stop);
            world.broker.close();
            world.time.close(Duration.ZERO);
        } catch (RuntimeException | AssertionError e) {
            throw new IllegalStateException("P12: the end of seed " + world.seed + " failed", e);
        }
    }
}

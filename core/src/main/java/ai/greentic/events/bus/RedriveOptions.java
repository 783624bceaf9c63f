package ai.greentic.events.bus;

import java.util.function.Consumer;

/** How to put dead letters back. Immutable: every method with an argument returns a changed copy. */
public final class RedriveOptions {
    /** As many as match, 100 a second, each at most three times. */
    public static final RedriveOptions STANDARD = new RedriveOptions(100, Integer.MAX_VALUE, 3, false, progress -> {});

    final double perSecond;
    final int max;
    final int maxRedrives;
    final boolean dryRun;
    final Consumer<RedriveReport> progress;

    private RedriveOptions(
            double perSecond, int max, int maxRedrives, boolean dryRun, Consumer<RedriveReport> progress) {
        this.perSecond = perSecond;
        this.max = max;
        this.maxRedrives = maxRedrives;
        this.dryRun = dryRun;
        this.progress = progress;
    }

    /** Letters per second at most. */
    public RedriveOptions rate(double letters) {
        if (!(letters > 0)) {
            throw new IllegalArgumentException("rate is " + letters + "; it must be positive");
        }
        return new RedriveOptions(letters, max, maxRedrives, dryRun, progress);
    }

    /** Letters in all at most. */
    public RedriveOptions max(int letters) {
        if (letters < 1) {
            throw new IllegalArgumentException("max is " + letters + "; it must be at least 1");
        }
        return new RedriveOptions(perSecond, letters, maxRedrives, dryRun, progress);
    }

    /** How often one letter may be put back in all: the guard against loops. */
    public RedriveOptions maxRedrives(int times) {
        if (times < 1) {
            throw new IllegalArgumentException("maxRedrives is " + times + "; it must be at least 1");
        }
        return new RedriveOptions(perSecond, max, times, dryRun, progress);
    }

    /** Says what would happen, and does nothing. */
    public RedriveOptions dryRun(boolean dry) {
        return new RedriveOptions(perSecond, max, maxRedrives, dry, progress);
    }

    /** Hears how far it is after each letter, on the calling thread. */
    public RedriveOptions onProgress(Consumer<RedriveReport> listener) {
        return new RedriveOptions(perSecond, max, maxRedrives, dryRun, listener);
    }
}

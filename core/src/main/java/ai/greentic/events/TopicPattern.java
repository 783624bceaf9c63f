package ai.greentic.events;

import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Glob over topics: {@code *} is any run of characters, dots and nothing included, {@code ?} is one code point, everything else is
 * itself. Case-sensitive, no escaping, no notion of segments. At most 256 characters.
 *
 * <p>Matching takes time linear in the topic. Containment and intersection are exact, except that {@link #contains} answers no for the
 * rare pair whose proof would take more than 20,000 steps.
 */
public final class TopicPattern {
    private static final int STAR = -1;
    private static final int ANY = -2;
    private static final int OTHER = -3;
    private static final int MAX_PROOF_STEPS = 20_000;

    private final String value;
    /** Code points, {@link #STAR} or {@link #ANY}; never two stars in a row. */
    private final int[] tokens;

    private final String prefix;
    private final String suffix;
    private final Shape shape;

    private enum Shape {
        LITERAL,
        EVERYTHING,
        PREFIX,
        SUFFIX,
        GENERAL
    }

    private TopicPattern(String value) {
        this.value = value;
        this.tokens = tokenize(value);
        int firstWildcard = firstWildcard(value);
        int lastWildcard = Math.max(value.lastIndexOf('*'), value.lastIndexOf('?'));
        this.prefix = firstWildcard < 0 ? value : value.substring(0, firstWildcard);
        this.suffix = value.substring(lastWildcard + 1);
        boolean oneStar = firstWildcard >= 0 && firstWildcard == lastWildcard && value.charAt(firstWildcard) == '*';
        this.shape = firstWildcard < 0
                ? Shape.LITERAL
                : tokens.length == 1 && tokens[0] == STAR
                        ? Shape.EVERYTHING
                        : oneStar && suffix.isEmpty()
                                ? Shape.PREFIX
                                : oneStar && prefix.isEmpty() ? Shape.SUFFIX : Shape.GENERAL;
    }

    /** Returns the pattern, or refuses text that is empty, too long, or holds {@code >}, blanks or control characters. */
    public static TopicPattern of(String value) {
        if (value.isEmpty()) {
            throw new EventsException(
                    ErrorCode.INVALID_PATTERN,
                    "topic pattern is empty; use * for every topic, or for example orders.*");
        }
        if (value.length() > Topic.MAX_LENGTH) {
            throw new EventsException(
                    ErrorCode.INVALID_PATTERN,
                    "topic pattern " + Text.quote(value) + " has " + value.length() + " characters; at most "
                            + Topic.MAX_LENGTH + " are allowed");
        }
        value.codePoints().forEach(c -> {
            if (c == '>'
                    || Character.isISOControl(c)
                    || Character.isWhitespace(c)
                    || Character.isSpaceChar(c)
                    || Character.getType(c) == Character.SURROGATE) {
                throw new EventsException(
                        ErrorCode.INVALID_PATTERN,
                        "topic pattern " + Text.quote(value) + " has " + Text.describe(c)
                                + "; wildcards are * and ?, and a topic never has blanks, control characters or '>'");
            }
        });
        return new TopicPattern(value);
    }

    private static int[] tokenize(String value) {
        return value.replaceAll("\\*+", "*")
                .codePoints()
                .map(c -> c == '*' ? STAR : c == '?' ? ANY : c)
                .toArray();
    }

    private static int firstWildcard(String value) {
        for (int i = 0; i < value.length(); i++) {
            if (value.charAt(i) == '*' || value.charAt(i) == '?') {
                return i;
            }
        }
        return -1;
    }

    public String value() {
        return value;
    }

    /** Whether the pattern has no wildcard and so names exactly one topic. */
    public boolean isLiteral() {
        return shape == Shape.LITERAL;
    }

    /** The text before the first wildcard; the whole pattern if it has none. Every matching topic starts with it. */
    public String literalPrefix() {
        return prefix;
    }

    /** The text after the last wildcard; the whole pattern if it has none. Every matching topic ends with it. */
    public String literalSuffix() {
        return suffix;
    }

    public boolean matches(Topic topic) {
        return matches(topic.value());
    }

    /** Whether the pattern matches a text; for addresses other than topics, such as tenant names in access rules. */
    public boolean matches(String text) {
        return switch (shape) {
            case LITERAL -> text.equals(value);
            case EVERYTHING -> true;
            case PREFIX -> text.startsWith(prefix);
            case SUFFIX -> text.endsWith(suffix);
            case GENERAL -> text.startsWith(prefix) && text.endsWith(suffix) && matchesGreedily(text);
        };
    }

    /** Tries the star before the literal and goes back to the last star only; text that makes this slow goes to {@link #simulate}. */
    private boolean matchesGreedily(String text) {
        int budget = 4 * (text.length() + tokens.length);
        int at = 0;
        int token = 0;
        int starToken = -1;
        int starAt = 0;
        while (at < text.length()) {
            if (token < tokens.length && tokens[token] == STAR) {
                starToken = token++;
                starAt = at;
                continue;
            }
            int c = text.codePointAt(at);
            if (token < tokens.length && (tokens[token] == ANY || tokens[token] == c)) {
                token++;
                at += Character.charCount(c);
            } else if (starToken >= 0) {
                token = starToken + 1;
                starAt += Character.charCount(text.codePointAt(starAt));
                at = starAt;
            } else {
                return false;
            }
            if (--budget < 0) {
                return simulate(text);
            }
        }
        while (token < tokens.length && tokens[token] == STAR) {
            token++;
        }
        return token == tokens.length;
    }

    /** Bit-parallel simulation of the pattern's automaton (Shift-And): at most five words of work for each character. */
    private boolean simulate(String text) {
        int words = tokens.length / 64 + 1;
        Map<Integer, long[]> consumers = new HashMap<>();
        long[] any = new long[words];
        long[] star = new long[words];
        for (int i = 0; i < tokens.length; i++) {
            long[] mask = switch (tokens[i]) {
                case STAR -> star;
                case ANY -> any;
                default -> consumers.computeIfAbsent(tokens[i], c -> new long[words]);
            };
            mask[i >> 6] |= 1L << i;
        }
        long[] none = new long[words];
        long[] states = new long[words];
        states[0] = 1;
        skipStars(states, star);
        for (int at = 0; at < text.length(); ) {
            int c = text.codePointAt(at);
            at += Character.charCount(c);
            long[] mask = consumers.getOrDefault(c, none);
            long carry = 0;
            for (int w = 0; w < words; w++) {
                long consumed = states[w] & (mask[w] | any[w]);
                long kept = states[w] & star[w];
                states[w] = consumed << 1 | carry | kept;
                carry = consumed >>> 63;
            }
            skipStars(states, star);
        }
        return (states[tokens.length >> 6] >>> tokens.length & 1) != 0;
    }

    /** A star also matches nothing; since two stars never meet, one step is the whole closure. */
    private static void skipStars(long[] states, long[] star) {
        long carry = 0;
        for (int w = 0; w < states.length; w++) {
            long skipped = states[w] & star[w];
            states[w] |= skipped << 1 | carry;
            carry = skipped >>> 63;
        }
    }

    /** Whether every topic that {@code other} matches is matched by this pattern too. */
    public boolean contains(TopicPattern other) {
        if (shape == Shape.EVERYTHING || value.equals(other.value)) {
            return true;
        }
        if (other.isLiteral()) {
            return matches(other.value);
        }
        return !isLiteral() && new ContainmentProof(other).holds();
    }

    /** Whether some text is matched by both patterns. */
    public boolean intersects(TopicPattern other) {
        if (isLiteral() || other.isLiteral()) {
            return isLiteral() ? other.matches(value) : matches(other.value);
        }
        boolean[][] seen = new boolean[tokens.length + 1][other.tokens.length + 1];
        return intersects(0, other.tokens, 0, seen);
    }

    private boolean intersects(int i, int[] others, int j, boolean[][] seen) {
        if (i == tokens.length && j == others.length) {
            return true;
        }
        if (seen[i][j]) {
            return false;
        }
        seen[i][j] = true;
        boolean starHere = i < tokens.length && tokens[i] == STAR;
        boolean starThere = j < others.length && others[j] == STAR;
        if (starHere && intersects(i + 1, others, j, seen) || starThere && intersects(i, others, j + 1, seen)) {
            return true;
        }
        if (i == tokens.length || j == others.length) {
            return false;
        }
        if (starHere || starThere) {
            return starHere && !starThere && intersects(i, others, j + 1, seen)
                    || starThere && !starHere && intersects(i + 1, others, j, seen);
        }
        boolean compatible = tokens[i] == ANY || others[j] == ANY || tokens[i] == others[j];
        return compatible && intersects(i + 1, others, j + 1, seen);
    }

    /**
     * Walks the inner pattern's automaton beside the subset automaton of the outer one and looks for a text that only the inner pattern
     * accepts.
     */
    private final class ContainmentProof {
        private final int[] inner;
        private final int[] alphabet;
        private final Set<Step> seen = new HashSet<>();
        private final ArrayDeque<Step> open = new ArrayDeque<>();

        private record Step(int innerState, BitSet outerStates) {}

        ContainmentProof(TopicPattern other) {
            this.inner = other.tokens;
            this.alphabet = java.util.stream.IntStream.concat(
                            java.util.Arrays.stream(tokens).filter(t -> t >= 0).distinct(),
                            java.util.stream.IntStream.of(OTHER))
                    .toArray();
        }

        boolean holds() {
            BitSet start = new BitSet();
            enter(0, start);
            visit(0, start);
            while (!open.isEmpty()) {
                if (seen.size() > MAX_PROOF_STEPS) {
                    return false;
                }
                Step step = open.pop();
                if (step.innerState == inner.length) {
                    if (!step.outerStates.get(tokens.length)) {
                        return false;
                    }
                    continue;
                }
                int token = inner[step.innerState];
                if (token == STAR) {
                    visit(step.innerState + 1, step.outerStates);
                }
                int next = token == STAR ? step.innerState : step.innerState + 1;
                if (token >= 0) {
                    visit(next, advance(step.outerStates, token));
                } else {
                    for (int symbol : alphabet) {
                        visit(next, advance(step.outerStates, symbol));
                    }
                }
            }
            return true;
        }

        private void visit(int innerState, BitSet outerStates) {
            Step step = new Step(innerState, outerStates);
            if (seen.add(step)) {
                open.push(step);
            }
        }

        private BitSet advance(BitSet states, int symbol) {
            BitSet next = new BitSet();
            for (int s = states.nextSetBit(0); s >= 0 && s < tokens.length; s = states.nextSetBit(s + 1)) {
                if (tokens[s] == STAR) {
                    enter(s, next);
                } else if (tokens[s] == ANY || tokens[s] == symbol) {
                    enter(s + 1, next);
                }
            }
            return next;
        }

        private void enter(int state, BitSet states) {
            states.set(state);
            if (state < tokens.length && tokens[state] == STAR) {
                states.set(state + 1);
            }
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TopicPattern that && that.value.equals(value);
    }

    @Override
    public int hashCode() {
        return value.hashCode();
    }

    @Override
    public String toString() {
        return value;
    }
}

package ai.greentic.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TopicPatternTest {
    @ParameterizedTest
    @CsvSource({
        "greentic.*, greentic.repo.build, true",
        "greentic.*, greentic, false",
        "greentic.*, greentic., true",
        "foo?bar, fooxbar, true",
        "prefix*, pre, false",
        "?, é, true",
        "?, 😀, true",
        "??, 😀, false",
        "a*, a*b, true",
        "secret.*, secret.*.x, true",
        "*a, *ba, true",
        "secret.*, secret.*, true",
        "*, anything.at.all, true",
        "a, a, true",
        "a, A, false",
        "a?c*e, abcde, true",
        "a?c*e, abcd, false",
        "a**b, ab, true",
        "*x*, x, true",
        "*ab*ab, abab, true",
        "*ab*ab, ab, false",
    })
    void matchesAsTheFormatSays(String pattern, String text, boolean matches) {
        assertThat(TopicPattern.of(pattern).matches(text)).isEqualTo(matches);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a b", "a\tb", "a>", ">", "a\u0000", "a\u00a0b", "\ud800"})
    void refusesWhatNoTopicCanMatch(String pattern) {
        assertThatThrownBy(() -> TopicPattern.of(pattern))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_PATTERN));
        assertThatThrownBy(() -> TopicPattern.of("x".repeat(257))).hasMessageContaining("257");
    }

    /** Small alphabet, so that everything meets everything; texts up to five characters are all there are. */
    @Test
    void agreesWithBruteForce() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> texts = texts(5);
        for (int round = 0; round < 1_500; round++) {
            String a = pattern(random);
            String b = pattern(random);
            TopicPattern p = TopicPattern.of(a);
            TopicPattern q = TopicPattern.of(b);
            boolean intersects = false;
            boolean contains = true;
            for (String text : texts) {
                boolean inP = p.matches(text);
                boolean inQ = q.matches(text);
                assertThat(inP).as("seed %d: %s matches %s", seed, a, text).isEqualTo(naive(a, 0, text, 0));
                intersects |= inP && inQ;
                contains &= inP || !inQ;
            }
            // A pair of patterns this short that meets at all meets in a text of at most five characters, or one longer
            // than any here.
            if (intersects) {
                assertThat(p.intersects(q))
                        .as("seed %d: %s meets %s", seed, a, b)
                        .isTrue();
            } else {
                assertThat(p.intersects(q) && minLength(a) + minLength(b) <= 5)
                        .as("seed %d: %s does not meet %s", seed, a, b)
                        .isFalse();
            }
            if (!contains) {
                assertThat(p.contains(q))
                        .as("seed %d: %s does not contain %s", seed, a, b)
                        .isFalse();
            } else if (minLength(b) + minLength(a) <= 4) {
                assertThat(p.contains(q))
                        .as("seed %d: %s contains %s", seed, a, b)
                        .isTrue();
            }
        }
    }

    @Test
    void containsAndIntersectsAreSymmetricWhereTheyMustBe() {
        Random random = new Random(7);
        for (int round = 0; round < 2_000; round++) {
            TopicPattern p = TopicPattern.of(pattern(random));
            TopicPattern q = TopicPattern.of(pattern(random));
            assertThat(p.intersects(q)).isEqualTo(q.intersects(p));
            assertThat(p.contains(p)).isTrue();
            if (p.contains(q)) {
                assertThat(p.intersects(q))
                        .as("%s contains %s, so they meet", p, q)
                        .isTrue();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "*, secret.*, true",
        "secret.*, secret.a*, true",
        "secret*, secret.*, true",
        "secret.*, secret*, false",
        "a?, ab, true",
        "a*, a?, true",
        "a?, a*, false",
        "*.*, *.a.*, true",
        "a*b, a*c*b, true",
        "a*c*b, a*b, false",
        "?*, *?, true",
        "*?, ?*, true",
    })
    void contains(String outer, String inner, boolean contains) {
        assertThat(TopicPattern.of(outer).contains(TopicPattern.of(inner))).isEqualTo(contains);
    }

    /** A pattern that makes a backtracking matcher quadratic or worse, at the longest that is allowed. */
    @Test
    void isLinearOnHostileInput() {
        TopicPattern hostile = TopicPattern.of("*" + "a*".repeat(120) + "b");
        TopicPattern longTail = TopicPattern.of("*" + "a".repeat(250) + "b*c");
        String text = "a".repeat(100_000);
        long start = System.nanoTime();
        assertThat(hostile.matches(text + "c")).isFalse();
        assertThat(hostile.matches(text + "b")).isTrue();
        assertThat(longTail.matches(text + "bc")).isTrue();
        assertThat(longTail.matches(text + "c")).isFalse();
        assertThat(System.nanoTime() - start)
                .as("quadratic work would take minutes")
                .isLessThan(20_000_000_000L);
    }

    @Test
    void givesUpOnProofsThatTakeTooLong() {
        TopicPattern hard = TopicPattern.of("*a" + "?".repeat(200));
        assertThat(hard.contains(TopicPattern.of("*b*a*" + "?".repeat(30)))).isFalse();
    }

    private static boolean naive(String pattern, int i, String text, int j) {
        if (i == pattern.length()) {
            return j == text.length();
        }
        if (pattern.charAt(i) == '*') {
            return naive(pattern, i + 1, text, j) || j < text.length() && naive(pattern, i, text, j + 1);
        }
        return j < text.length()
                && (pattern.charAt(i) == '?' || pattern.charAt(i) == text.charAt(j))
                && naive(pattern, i + 1, text, j + 1);
    }

    private static int minLength(String pattern) {
        return pattern.replace("*", "").length();
    }

    private static String pattern(Random random) {
        StringBuilder text = new StringBuilder();
        int length = 1 + random.nextInt(6);
        for (int i = 0; i < length; i++) {
            text.append("ab.*?*".charAt(random.nextInt(6)));
        }
        return text.toString();
    }

    private static List<String> texts(int longest) {
        List<String> all = new ArrayList<>();
        List<String> last = List.of("");
        all.add("");
        for (int length = 1; length <= longest; length++) {
            List<String> next = new ArrayList<>();
            for (String shorter : last) {
                for (char c : "ab.z".toCharArray()) {
                    next.add(shorter + c);
                }
            }
            all.addAll(next);
            last = next;
        }
        return all;
    }
}

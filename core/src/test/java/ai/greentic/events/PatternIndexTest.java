package ai.greentic.events;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PatternIndexTest {
    @Test
    void findsTheFirstOfManyAsALinearScanWould() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            List<PatternIndex.Entry<Integer>> entries = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                entries.add(new PatternIndex.Entry<>(TopicPattern.of(word(random, "ab.*?", 6)), i));
            }
            PatternIndex<Integer> index = new PatternIndex<>(entries);
            for (int i = 0; i < 100; i++) {
                String text = word(random, "ab.", 7);
                int odd = random.nextInt(2);
                Integer expected = entries.stream()
                        .filter(e -> e.pattern().matches(text) && e.value() % 2 == odd)
                        .map(PatternIndex.Entry::value)
                        .findFirst()
                        .orElse(null);
                PatternIndex.Entry<Integer> found = index.first(text, value -> value % 2 == odd);
                assertThat(found == null ? null : found.value())
                        .as("seed %d, text %s", seed, text)
                        .isEqualTo(expected);
            }
        }
    }

    private static String word(Random random, String alphabet, int longest) {
        StringBuilder text = new StringBuilder();
        int length = 1 + random.nextInt(longest);
        for (int i = 0; i < length; i++) {
            text.append(alphabet.charAt(random.nextInt(alphabet.length())));
        }
        return text.toString();
    }
}

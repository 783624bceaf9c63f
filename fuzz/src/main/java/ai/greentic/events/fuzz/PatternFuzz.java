package ai.greentic.events.fuzz;

import ai.greentic.events.EventsException;
import ai.greentic.events.Topic;
import ai.greentic.events.TopicPattern;
import java.nio.charset.StandardCharsets;

/** Two patterns and a topic, a line each: what the patterns say of each other must hold for the topic. Access rules rest on it. */
public final class PatternFuzz {
    private PatternFuzz() {}

    public static void fuzzerTestOneInput(byte[] input) {
        String[] lines = new String(input, StandardCharsets.UTF_8).split("\n", 3);
        if (lines.length < 3) {
            return;
        }
        TopicPattern one;
        TopicPattern other;
        Topic topic;
        try {
            one = TopicPattern.of(lines[0]);
            other = TopicPattern.of(lines[1]);
            topic = new Topic(lines[2]);
        } catch (EventsException refused) {
            return;
        }
        boolean inOne = one.matches(topic);
        boolean inOther = other.matches(topic);
        require(!(one.contains(other) && inOther && !inOne), one + " contains " + other + " and not " + topic);
        require(!(other.contains(one) && inOne && !inOther), other + " contains " + one + " and not " + topic);
        require(!(inOne && inOther && !one.intersects(other)), one + " and " + other + " both match " + topic);
        require(one.intersects(other) == other.intersects(one), one + " meets " + other + " only one way");
        require(one.contains(one), one + " does not contain itself");
        require(!one.isLiteral() || inOne == one.value().equals(topic.value()), one + " is literal");
        require(
                !inOne
                        || topic.value().startsWith(one.literalPrefix())
                                && topic.value().endsWith(one.literalSuffix()),
                one + " has another prefix or suffix than " + topic);
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}

package ai.greentic.events.routing;

import static org.assertj.core.api.Assertions.assertThat;

import ai.greentic.events.PatternIndex;
import ai.greentic.events.Topic;
import ai.greentic.events.TopicPattern;
import java.util.List;
import org.junit.jupiter.api.Test;

class RouteTableTest {
    private static PatternIndex.Entry<String> entry(String pattern, String route) {
        return new PatternIndex.Entry<>(TopicPattern.of(pattern), route);
    }

    @Test
    void explicitRoutesFirstThenTheFirstRegistration() {
        RouteTable<String> table = new RouteTable<>(
                List.of(entry("orders.vip", "fast")),
                List.of(entry("orders.*", "orders"), entry("*", "rest"), entry("orders.x", "late")));
        for (int i = 0; i < 2; i++) {
            assertThat(table.routeFor(new Topic("orders.vip"))).isEqualTo("fast");
            assertThat(table.routeFor(new Topic("orders.x"))).isEqualTo("orders");
            assertThat(table.routeFor(new Topic("billing"))).isEqualTo("rest");
        }
        assertThat(new RouteTable<String>(List.of(), List.of()).routeFor(new Topic("a")))
                .isNull();
    }

    @Test
    void reportsShadowedPatterns() {
        RouteTable<String> table = new RouteTable<>(
                List.of(),
                List.of(
                        entry("orders.*", "a"),
                        entry("orders.created", "b"),
                        entry("billing.*", "b"),
                        entry("orders.x", "a")));
        assertThat(table.shadowed()).singleElement().satisfies(shadowed -> {
            assertThat(shadowed.pattern().value()).isEqualTo("orders.created");
            assertThat(shadowed.byRoute()).isEqualTo("a");
        });
    }
}

package ai.greentic.events.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ai.greentic.events.Caller;
import ai.greentic.events.ChannelMessage;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventEnvelope;
import ai.greentic.events.EventsException;
import ai.greentic.events.Payload;
import ai.greentic.events.PublishResult;
import ai.greentic.events.TenantContext;
import ai.greentic.events.access.AccessAction;
import ai.greentic.events.access.AccessPolicy;
import ai.greentic.events.access.AccessRule;
import ai.greentic.events.bus.EventBusBuilder;
import ai.greentic.events.codec.ChannelMessageCodec;
import ai.greentic.events.testing.TestFabric;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Channel messages to events and back. */
class BridgeTest {
    private static final TenantContext ACME = TenantContext.of("dev", "acme");

    /** A bridge that carries the whole message in the payload, as bridges of upstream's runner do. */
    private static EventBusBuilder whole(EventBusBuilder builder) {
        return builder.messageToEvents("chat", message -> List.of(event(message)))
                .eventToMessages(
                        "chat",
                        event -> List.of(ChannelMessageCodec.STANDARD.decode(
                                event.payload().toBytes())));
    }

    private static EventEnvelope event(ChannelMessage message) {
        return EventEnvelope.builder(message.tenant(), "chat.in")
                .id(message.id())
                .time(Instant.EPOCH)
                .payload(Payload.json(ChannelMessageCodec.STANDARD.encode(message)))
                .build();
    }

    private static ChannelMessage message(TenantContext tenant) {
        return ChannelMessage.builder("msg-1", tenant, "webchat", "s-1")
                .from(new ChannelMessage.Actor("u-17", "user"))
                .to(List.of(new ChannelMessage.Actor("bot", null)))
                .text("hello")
                .replyScope(new ai.greentic.events.ReplyScope("chat-1", "topic-9", "msg-3", "cid-7"))
                .correlationId("c")
                .extensions(java.util.Map.of("rag", Payload.json("{\"n\":1.10}")))
                .attachments(List.of(ChannelMessage.Attachment.at("image/png", "https://files.example/a.png")))
                .build();
    }

    private static ErrorCode refused(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        EventsException e = catchThrowableOfType(EventsException.class, call);
        return e == null ? null : e.code();
    }

    @Test
    void aMessageComesBackAsItWasAndCountsItsBridges() {
        try (TestFabric fabric = TestFabric.create(0, BridgeTest::whole)) {
            List<EventEnvelope> seen = new ArrayList<>();
            fabric.bus().subscribe(ACME, "chat.*", d -> seen.add(d.event()));
            ChannelMessage message = message(ACME);
            assertThat(fabric.bus().receive("chat", message))
                    .singleElement()
                    .isInstanceOf(PublishResult.Accepted.class);
            fabric.settle();
            assertThat(seen.get(0).marks().hops()).isEqualTo(1);
            ChannelMessage back = fabric.bus().render("chat", seen.get(0)).get(0);
            assertThat(back.hops()).isEqualTo(2);
            assertThat(back.withHops(0).toBuilder().userId(null).build()).isEqualTo(message);
        }
    }

    @Test
    void whatGoesInCirclesIsStopped() {
        try (TestFabric fabric = TestFabric.create(0, BridgeTest::whole)) {
            List<EventEnvelope> seen = new ArrayList<>();
            fabric.bus().subscribe(ACME, "chat.*", d -> seen.add(d.event()));
            ChannelMessage message = message(ACME);
            int rounds = 0;
            ErrorCode end = null;
            while (end == null && rounds < 50) {
                ChannelMessage sent = message;
                end = refused(() -> fabric.bus().receive("chat", sent));
                fabric.settle();
                if (end == null) {
                    rounds++;
                    message = fabric.bus()
                            .render("chat", seen.get(seen.size() - 1))
                            .get(0);
                }
            }
            assertThat(end).isEqualTo(ErrorCode.TOO_MANY_HOPS);
            assertThat(rounds).as("16 bridges, two a round").isEqualTo(8);
        }
    }

    @Test
    void P4_P5_whatABridgeMakesPassesEveryCheck() {
        AccessPolicy rules = AccessPolicy.of(List.of(
                AccessRule.deny(AccessAction.PUBLISH)
                        .caller("guest")
                        .topics("chat.*")
                        .build(),
                AccessRule.of(AccessRule.Effect.ALLOW, Set.of(AccessAction.values()))
                        .build()));
        TestFabric fabric = TestFabric.create(
                0,
                b -> whole(b).access(rules)
                        .messageToEvents("thief", m -> List.of(event(message(TenantContext.of("dev", "globex")))))
                        .eventToMessages("thief", e -> List.of(message(TenantContext.of("dev", "globex"))))
                        .messageToEvents("broken", m -> {
                            throw new IllegalStateException("secret");
                        }));
        try (fabric) {
            assertThat(refused(() -> fabric.bus().receive("thief", message(ACME))))
                    .isEqualTo(ErrorCode.TENANT_MISMATCH);
            assertThat(refused(() -> fabric.bus().render("thief", event(message(ACME)))))
                    .isEqualTo(ErrorCode.TENANT_MISMATCH);
            assertThat(refused(() -> fabric.bus().receive("broken", message(ACME))))
                    .isEqualTo(ErrorCode.BRIDGE_FAILED);
            assertThat(refused(() -> fabric.bus().receive("chta", message(ACME))))
                    .isEqualTo(ErrorCode.BRIDGE_NOT_FOUND);
            assertThat(fabric.bus().as(Caller.of("guest")).receive("chat", message(ACME)))
                    .singleElement()
                    .isInstanceOfSatisfying(
                            PublishResult.Failed.class,
                            failed -> assertThat(failed.error().code()).isEqualTo(ErrorCode.ACCESS_DENIED));
        }
    }

    @Test
    void theFabricsOwnFieldOnAMessageIsRead() {
        byte[] json = ChannelMessageCodec.STANDARD.encode(message(ACME).withHops(3));
        assertThat(new String(json, StandardCharsets.UTF_8)).contains("\"fabric\":{\"hops\":3}");
        assertThat(ChannelMessageCodec.STANDARD.decode(json).hops()).isEqualTo(3);
    }
}

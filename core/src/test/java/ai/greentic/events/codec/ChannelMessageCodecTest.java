package ai.greentic.events.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.greentic.events.ChannelMessage;
import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import ai.greentic.events.ReplyScope;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChannelMessageCodecTest {
    private static final String FIRST = """
            {"id":"msg-1","tenant":{"env":"dev","tenant":"acme","tenant_id":"acme","attempt":0},"channel":"email",\
            "session_id":"session-1","reply_scope":{"conversation":"chat-1","thread":"topic-9","later":[1.10]},\
            "user_id":"u-17","correlation_id":"corr-1","text":"hello","attachments":[{"mime_type":"image/png",\
            "url":"https://files.example/a.png","name":"a.png","size_bytes":18446744073709551615,"description":"x"}],\
            "metadata":{"lang":"en"},"new_key":{"a":1.0}}""";
    private static final String THIRD = """
            {"id":"msg-2","tenant":{"env":"dev","tenant":"acme","tenant_id":"acme","attempt":0},"channel":"webchat",\
            "session_id":"session-1","from":{"id":"u-17","kind":"user","more":true},"to":[{"id":"bot-3","kind":"bot"}],\
            "text":"hello","attachments":[{"mime_type":"application/json","content":{"k":1e2}}],"metadata":{},\
            "extensions":{"suggested_actions":[{"title":"Yes"}],"unheard_of":1.10}}""";

    private static String written(ChannelMessageCodec.Generation generation, ChannelMessage message) {
        return new String(
                new ChannelMessageCodec(generation, EnvelopeCodec.STANDARD).encode(message), StandardCharsets.UTF_8);
    }

    private static ChannelMessage read(String json) {
        return ChannelMessageCodec.STANDARD.decode(json.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void P11_everyGenerationIsReadWithEverythingInIt() {
        ChannelMessage first = read(FIRST);
        assertThat(first.userId()).contains("u-17");
        assertThat(first.from()).isEmpty();
        assertThat(first.sender()).contains(new ChannelMessage.Actor("u-17", null));
        assertThat(written(ChannelMessageCodec.Generation.FIRST, first)).isEqualTo(FIRST);
        ChannelMessage third = read(THIRD);
        assertThat(third.sender()).map(ChannelMessage.Actor::id).contains("u-17");
        assertThat(written(ChannelMessageCodec.Generation.THIRD, third)).isEqualTo(THIRD);
        for (ChannelMessage message : List.of(first, third)) {
            String all = written(ChannelMessageCodec.Generation.ALL, message);
            assertThat(all).contains("\"user_id\":\"u-17\"").contains("\"from\":{\"id\":\"u-17\"");
            assertThat(read(all).toBuilder().build()).isEqualTo(read(all));
        }
    }

    @Test
    void aGenerationThatWouldLoseSomethingIsRefused() {
        assertThatThrownBy(() -> written(ChannelMessageCodec.Generation.FIRST, read(THIRD)))
                .isInstanceOf(EventsException.class)
                .hasMessageContaining("has to and extensions");
        assertThatThrownBy(() -> written(ChannelMessageCodec.Generation.SECOND, read(THIRD)))
                .hasMessageContaining("has extensions");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                "{\"id\":1}",
                "{\"id\":\"a\",\"tenant\":{\"env\":\"dev\"},\"channel\":\"c\",\"session_id\":\"s\"}"
            })
    void whatIsNoMessageIsRefusedWithItsField(String json) {
        assertThatThrownBy(() -> read(json))
                .isInstanceOfSatisfying(
                        EventsException.class,
                        e -> assertThat(e.code()).isIn(ErrorCode.INVALID_ENVELOPE, ErrorCode.TENANT_MISMATCH));
        assertThatThrownBy(() -> read(THIRD.replace("\"to\":[", "\"to\":[7,")))
                .hasMessageContaining("to must be an object");
        assertThatThrownBy(() -> read(FIRST.replace("18446744073709551615", "-1")))
                .hasMessageContaining("size_bytes is -1");
    }

    @Test
    void theHashOfAReplyScopeIsUpstreams() {
        assertThat(new ReplyScope("chat-1", "topic-9", "msg-3", "cid-7").hash())
                .isEqualTo("5251e2c9eb975466809eecbe51be7aa8dc7785ad05cb393a8f47a3a2f42cc544");
    }
}

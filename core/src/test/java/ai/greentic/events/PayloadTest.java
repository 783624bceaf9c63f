package ai.greentic.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PayloadTest {
    record Order(String id, int cents) {}

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"n\":1.10,\"big\":18446744073709551616}",
                "{ \"b\" : 1 , \"a\" : [ ] }",
                "3.141592653589793238462643",
                "-0",
                "1e2",
                "null",
                "\"\\u00e9\\ud83d\\ude00\"",
                "\"/\u007f\u2028\"",
            })
    void P11_keepsTheBytesItWasGiven(String json) {
        assertThat(Payload.json(json).json()).isEqualTo(json);
        assertThat(Payload.json(json.getBytes(StandardCharsets.UTF_8)).toBytes())
                .isEqualTo(json.getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "{",
                "{\"a\":1}x",
                "{a:1}",
                "01",
                "NaN",
                "'a'",
                "{\"a\":1,}",
                "\"\\ud800\"",
                "\"\\ude00\\ud83d\"",
                "tru"
            })
    void refusesWhatIsNotOneDocument(String json) {
        assertThatThrownBy(() -> Payload.json(json))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_PAYLOAD));
    }

    @Test
    void refusesBytesThatAreNotUtf8() {
        for (byte[] bytes : new byte[][] {{'"', (byte) 0xc3, '"'}, {'"', (byte) 0xed, (byte) 0xa0, (byte) 0x80, '"'}}) {
            assertThatThrownBy(() -> Payload.json(bytes)).hasMessageContaining("UTF-8");
        }
    }

    @Test
    void limitsNesting() {
        assertThat(Payload.json("[".repeat(126) + "]".repeat(126)).size()).isEqualTo(252);
        assertThatThrownBy(() -> Payload.json("[".repeat(127) + "]".repeat(127)))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NESTED_TOO_DEEP));
    }

    @Test
    void errorsDoNotQuoteTheContent() {
        assertThatThrownBy(() -> Payload.json("{\"password\":hunter2}"))
                .satisfies(e ->
                        assertThat(e.getMessage()).doesNotContain("hunter2").contains("column"));
        assertThat(Payload.json("\"hunter2\"").toString()).doesNotContain("hunter2");
    }

    @Test
    void readsPlainValuesExactly() {
        Payload payload = Payload.json("{\"n\":1.10,\"big\":18446744073709551616,\"list\":[null,true,\"x\"]}");
        Map<?, ?> map = payload.as(Map.class);
        assertThat(map.get("n")).isEqualTo(new BigDecimal("1.10"));
        assertThat(map.get("big")).isEqualTo(new BigInteger("18446744073709551616"));
        assertThat(map.get("list")).isEqualTo(Arrays.asList(null, true, "x"));
        assertThat(Payload.json("42").as(Integer.class)).isEqualTo(42);
        assertThat(Payload.json("42").as(Long.class)).isEqualTo(42L);
        assertThatThrownBy(() -> Payload.json("4.5").as(Integer.class)).hasMessageContaining("does not fit");
        assertThatThrownBy(() -> Payload.json("[]").as(String.class)).hasMessageContaining("not String");
    }

    @Test
    void writesPlainValuesAndObjects() {
        assertThat(Payload.of("x").json()).isEqualTo("\"x\"");
        assertThat(Payload.of(null)).isEqualTo(Payload.NULL);
        assertThat(Payload.of(List.of(1, 2.5, new BigDecimal("1.10"), true)).json())
                .isEqualTo("[1,2.5,1.10,true]");
        assertThat(Payload.of("\u0001").json()).isEqualTo("\"\\u0001\"");
        assertThat(Payload.of(new Order("42", 1250)).as(Order.class)).isEqualTo(new Order("42", 1250));
        assertThat(Payload.json("[{\"id\":\"1\",\"cents\":2}]").as(new TypeRef<List<Order>>() {}))
                .containsExactly(new Order("1", 2));
        assertThatThrownBy(() -> Payload.of(Double.NaN)).hasMessageContaining("NaN");
        assertThatThrownBy(() -> Payload.of("\ud800")).hasMessageContaining("surrogate");
        assertThatThrownBy(() -> Payload.json("{\"id\":[]}").as(Order.class))
                .isInstanceOfSatisfying(
                        EventsException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_PAYLOAD));
    }

    @Test
    void canonicalFormSortsKeysByCodePointAndKeepsNumbers() {
        String json =
                "{ \"b\" : 1.10, \"\\ud83d\\ude00\":2, \"\uffee\": 3, \"aa\":[ {\"z\":1,\"y\":2} ], \"a\": -0, \"a\": 1e2 }";
        assertThat(Payload.json(json).canonical().json())
                .isEqualTo("{\"a\":1e2,\"aa\":[{\"y\":2,\"z\":1}],\"b\":1.10,\"\uffee\":3,\"😀\":2}");
    }
}

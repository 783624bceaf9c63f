package ai.greentic.events.json;

import ai.greentic.events.PayloadMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.lang.reflect.Type;

/** Payloads by Jackson 2, with its default mapper or the application's own. */
public final class Jackson2PayloadMapper implements PayloadMapper {
    private final JsonMapper mapper;

    /** With Jackson's defaults. */
    public Jackson2PayloadMapper() {
        this(JsonMapper.builder().build());
    }

    /** With the application's mapper. */
    public Jackson2PayloadMapper(JsonMapper mapper) {
        this.mapper = mapper;
    }

    @Override
    public byte[] write(Object value) throws java.io.IOException {
        return mapper.writeValueAsBytes(value);
    }

    @Override
    public Object read(byte[] json, Type type) throws java.io.IOException {
        return mapper.readValue(json, mapper.constructType(type));
    }
}

package ai.greentic.events.json;

import ai.greentic.events.PayloadMapper;
import java.lang.reflect.Type;
import tools.jackson.databind.json.JsonMapper;

/** Payloads by Jackson 3, with its default mapper or the application's own. */
public final class Jackson3PayloadMapper implements PayloadMapper {
    private final JsonMapper mapper;

    /** With Jackson's defaults. */
    public Jackson3PayloadMapper() {
        this(JsonMapper.builder().build());
    }

    /** With the application's mapper. */
    public Jackson3PayloadMapper(JsonMapper mapper) {
        this.mapper = mapper;
    }

    @Override
    public byte[] write(Object value) {
        return mapper.writeValueAsBytes(value);
    }

    @Override
    public Object read(byte[] json, Type type) {
        return mapper.readValue(json, mapper.constructType(type));
    }
}

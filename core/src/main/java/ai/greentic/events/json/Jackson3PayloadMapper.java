package ai.greentic.events.json;

import ai.greentic.events.PayloadMapper;
import java.lang.reflect.Type;
import tools.jackson.databind.json.JsonMapper;

/** Payloads by Jackson 3, with its defaults; an application with a mapper of its own implements {@link PayloadMapper} over it. */
public final class Jackson3PayloadMapper implements PayloadMapper {
    private final JsonMapper mapper = JsonMapper.builder().build();

    /** For {@link java.util.ServiceLoader}. */
    public Jackson3PayloadMapper() {}

    @Override
    public byte[] write(Object value) {
        return mapper.writeValueAsBytes(value);
    }

    @Override
    public Object read(byte[] json, Type type) {
        return mapper.readValue(json, mapper.constructType(type));
    }
}

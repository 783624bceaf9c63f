package ai.greentic.events.json;

import ai.greentic.events.PayloadMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.lang.reflect.Type;

/** Payloads by Jackson 2, with its defaults; an application with a mapper of its own implements {@link PayloadMapper} over it. */
public final class Jackson2PayloadMapper implements PayloadMapper {
    private final JsonMapper mapper = JsonMapper.builder().build();

    /** For {@link java.util.ServiceLoader}. */
    public Jackson2PayloadMapper() {}

    @Override
    public byte[] write(Object value) throws java.io.IOException {
        return mapper.writeValueAsBytes(value);
    }

    @Override
    public Object read(byte[] json, Type type) throws java.io.IOException {
        return mapper.readValue(json, mapper.constructType(type));
    }
}

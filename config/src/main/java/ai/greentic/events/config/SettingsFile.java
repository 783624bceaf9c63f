package ai.greentic.events.config;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.dataformat.toml.TomlFactory;

/** Reads a settings file, TOML or, if its name ends in {@code .json}, JSON, as leaves. */
final class SettingsFile {
    private static final long MAX_BYTES = 1 << 20;

    private SettingsFile() {}

    static Map<Path, Object> read(java.nio.file.Path file) {
        try {
            if (Files.size(file) > MAX_BYTES) {
                throw refused(file, "it is larger than 1 MiB", null);
            }
            byte[] bytes = Files.readAllBytes(file);
            Map<Path, Object> leaves = new LinkedHashMap<>();
            try (JsonParser parser = parser(file, bytes)) {
                JsonToken first = parser.nextToken();
                if (first == null) {
                    return leaves;
                }
                if (first != JsonToken.START_OBJECT) {
                    throw refused(file, "it is not a table of settings", null);
                }
                flatten(new Path(List.of()), parser, leaves);
            }
            return leaves;
        } catch (JacksonException e) {
            throw refused(
                    file,
                    "line " + e.getLocation().getLineNr() + ", column "
                            + e.getLocation().getColumnNr() + ": " + e.getOriginalMessage(),
                    e);
        } catch (IOException e) {
            throw refused(file, e.getClass().getSimpleName() + ": " + e.getMessage(), e);
        }
    }

    private static EventsException refused(
            java.nio.file.Path file, String why, @org.jspecify.annotations.Nullable Throwable cause) {
        return new EventsException(
                ErrorCode.INVALID_CONFIGURATION, "settings file " + file + " cannot be used: " + why, cause);
    }

    private static JsonParser parser(java.nio.file.Path file, byte[] bytes) {
        StreamReadConstraints limits =
                StreamReadConstraints.builder().maxNestingDepth(32).build();
        return String.valueOf(file.getFileName()).endsWith(".json")
                ? JsonFactory.builder()
                        .streamReadConstraints(limits)
                        .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                        .build()
                        .createParser(ObjectReadContext.empty(), bytes)
                : TomlFactory.builder()
                        .streamReadConstraints(limits)
                        .build()
                        .createParser(ObjectReadContext.empty(), bytes);
    }

    private static void flatten(Path path, JsonParser parser, Map<Path, Object> leaves) {
        for (String name = parser.nextName(); name != null; name = parser.nextName()) {
            Path child = path.child(name);
            JsonToken token = parser.nextToken();
            boolean whole = Keys.at(child).isPresent();
            if (token == JsonToken.START_OBJECT && !whole) {
                flatten(child, parser, leaves);
            } else if (token != JsonToken.VALUE_NULL) {
                leaves.put(child, value(parser, token));
            }
        }
    }

    private static Object value(JsonParser parser, JsonToken token) {
        return switch (token) {
            case START_OBJECT -> {
                Map<String, Object> map = new LinkedHashMap<>();
                for (String name = parser.nextName(); name != null; name = parser.nextName()) {
                    map.put(name, value(parser, parser.nextToken()));
                }
                yield map;
            }
            case START_ARRAY -> {
                List<Object> list = new ArrayList<>();
                for (JsonToken item = parser.nextToken(); item != JsonToken.END_ARRAY; item = parser.nextToken()) {
                    list.add(value(parser, item));
                }
                yield list;
            }
            case VALUE_NUMBER_INT -> {
                Number number = parser.getNumberValue();
                yield number instanceof Integer ? (Object) number.longValue() : number;
            }
            case VALUE_NUMBER_FLOAT -> new BigDecimal(parser.getString());
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            default -> parser.getString();
        };
    }
}

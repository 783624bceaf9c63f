package ai.greentic.events.pack;

import ai.greentic.events.ErrorCode;
import ai.greentic.events.EventsException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.composer.Composer;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.scanner.StreamReader;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/** Reads one YAML document as nodes: nothing is constructed, and size and depth are limited. Aliases are counted by {@link Tree}. */
final class YamlFile {
    private static final int MAX_BYTES = 1 << 20;
    private static final LoadSettings SETTINGS = LoadSettings.builder()
            .setSchema(new CoreSchema())
            .setAllowDuplicateKeys(false)
            .setAllowRecursiveKeys(false)
            .setCodePointLimit(MAX_BYTES)
            .setParseComments(false)
            .build();

    private YamlFile() {}

    static Tree read(Path file, Problems problems) {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MAX_BYTES + 1);
        } catch (IOException e) {
            throw refused(file.toString(), "it cannot be read: " + e.getClass().getSimpleName(), e);
        }
        return read(bytes, file.toString(), problems);
    }

    /**
     * @param file what the document is called in messages
     */
    static Tree read(byte[] bytes, String file, Problems problems) {
        if (bytes.length > MAX_BYTES) {
            throw refused(file, "it is larger than " + MAX_BYTES + " bytes", null);
        }
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            Iterator<Node> documents =
                    new Composer(SETTINGS, new ParserImpl(SETTINGS, new StreamReader(SETTINGS, text)));
            if (!documents.hasNext()) {
                throw refused(file, "it is empty", null);
            }
            Node root = documents.next();
            if (documents.hasNext()) {
                throw refused(file, "it has more than one document", null);
            }
            return Tree.root(root, problems);
        } catch (CharacterCodingException e) {
            throw refused(file, "it is not UTF-8", e);
        } catch (MarkedYamlEngineException e) {
            String where = e.getProblemMark()
                    .map(mark -> "line " + (mark.getLine() + 1) + ", column " + (mark.getColumn() + 1) + ": ")
                    .orElse("");
            throw refused(file, where + e.getProblem(), e);
        } catch (YamlEngineException e) {
            throw refused(file, String.valueOf(e.getMessage()), e);
        } catch (EventsException e) {
            throw e;
        } catch (RuntimeException e) {
            // The parser's: an escape without digits, for one, is a number to it that is none.
            throw refused(file, "it is malformed: " + e.getMessage(), e);
        } catch (StackOverflowError e) {
            throw refused(file, "it nests too deeply", null);
        }
    }

    private static EventsException refused(
            String file, String why, @org.jspecify.annotations.Nullable Throwable cause) {
        return new EventsException(ErrorCode.INVALID_PACK, file + " cannot be read as YAML: " + why, cause);
    }
}

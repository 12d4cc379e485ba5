package dev.coppice.coordination.contention;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.coppice.kernel.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Keeps the times of contenders over a restart of this node: keys tell who stands, but not since when. */
final class TimesFile {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path file;

    TimesFile(Path file) {
        this.file = file;
    }

    void write(Map<ByteString, Entries.Times> times) throws IOException {
        ObjectNode all = JSON.createObjectNode();
        times.forEach((key, each) -> {
            ArrayNode fields = all.putArray(Base64.getEncoder().encodeToString(key.toByteArray()))
                    .add(each.token())
                    .add(each.came().toEpochMilli())
                    .add(each.exact());
            Instant held = each.held();
            if (held != null) {
                fields.add(held.toEpochMilli()).add(each.heldExact());
            }
        });
        DurableFile.write(file, JSON.writeValueAsString(all));
    }

    /** What was written last; a file that is missing or damaged tells nothing. */
    Map<ByteString, Entries.Times> read() {
        Map<ByteString, Entries.Times> times = new HashMap<>();
        try {
            if (Files.exists(file)) {
                JSON.readTree(Files.readString(file)).properties().forEach(each -> {
                    ByteString key = ByteString.copyFrom(Base64.getDecoder().decode(each.getKey()));
                    times.put(key, times(each.getValue()));
                });
            }
        } catch (IOException | RuntimeException e) {
            times.clear();
        }
        return times;
    }

    private static Entries.Times times(JsonNode fields) {
        @Nullable
        Instant held = fields.size() > 3 ? Instant.ofEpochMilli(fields.get(3).asLong()) : null;
        return new Entries.Times(
                fields.get(0).asLong(),
                Instant.ofEpochMilli(fields.get(1).asLong()),
                fields.get(2).asBoolean(),
                held,
                held != null && fields.get(4).asBoolean());
    }
}

package dev.coppice.serving;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A posted form ({@code application/x-www-form-urlencoded}).
 *
 * @param fields decoded, in order
 */
public record Form(Map<String, List<String>> fields) {
    private static final int LIMIT_BYTES = 65_536;

    /** Reads it, up to 64 KiB. */
    public static Form read(Exchange exchange) throws IOException {
        byte[] bytes = exchange.body().readNBytes(LIMIT_BYTES + 1);
        if (bytes.length > LIMIT_BYTES) {
            throw new BodyTooLargeException(LIMIT_BYTES);
        }
        return new Form(new RequestTarget("/", "/", new String(bytes, StandardCharsets.UTF_8)).queries());
    }

    /** The first value of a field. */
    public Optional<String> value(String name) {
        List<String> values = fields.get(name);
        return values == null ? Optional.empty() : Optional.of(values.getFirst());
    }
}

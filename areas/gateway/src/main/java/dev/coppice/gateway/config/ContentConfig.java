package dev.coppice.gateway.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of bodies. Immutable.
 *
 * @param targets whose requests it is for
 * @param compression of answers; null: they pass as they are
 * @param maxRequestBytes that a request's body may have; {@link #UNBOUNDED} for any
 */
public record ContentConfig(
        List<TrafficTarget> targets, @Nullable Compression compression, long maxRequestBytes) {
    public static final long UNBOUNDED = -1;

    /** How a body is encoded, by its name in HTTP. */
    public enum Encoding {
        /** RFC 1952. */
        GZIP("gzip"),
        /** RFC 8878. */
        ZSTD("zstd");

        private final String token;

        Encoding(String token) {
            this.token = token;
        }

        /** As it stands in {@code Content-Encoding}. */
        public String token() {
            return token;
        }
    }

    /**
     * Of answers.
     *
     * @param encodings the one that is liked best first
     * @param contentTypes in lower case: {@code type/subtype}, {@code type/*}, or a suffix such as {@code *+json}
     * @param minBytes of bodies whose length is known
     */
    public record Compression(List<Encoding> encodings, List<String> contentTypes, int minBytes) {
        public Compression {
            encodings = List.copyOf(encodings);
            contentTypes = List.copyOf(contentTypes);
        }
    }

    public ContentConfig {
        targets = List.copyOf(targets);
    }
}

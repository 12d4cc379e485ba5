package dev.coppice.gateway.config;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of bodies. Immutable.
 *
 * @param targets whose requests it is for
 * @param compression of answers; null: they pass as they are
 * @param maxRequestBytes that a request's body may have; {@link #UNBOUNDED} for any
 * @param cache of answers; null: none is said
 */
public record ContentConfig(
        List<TrafficTarget> targets,
        @Nullable Compression compression,
        long maxRequestBytes,
        @Nullable Cache cache) {
    public static final long UNBOUNDED = -1;

    /** How a body is encoded, by its name in HTTP. */
    public enum Encoding {
        /** RFC 1952. */
        GZIP("gzip"),
        /** RFC 8878. */
        ZSTD("zstd"),
        /** RFC 7932. */
        BROTLI("br");

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

    /**
     * Which answers are kept for further requests (RFC 9111).
     *
     * @param enabled whether any are
     * @param defaultTtlSeconds how long an answer is fresh that does not say so; 0: it is not
     * @param staleWhileRevalidateSeconds for answers that do not say so (RFC 5861)
     * @param staleIfErrorSeconds the same
     * @param maxBodyBytes that a body may have
     * @param ignoredQueryParams that do not tell requests from each other; with {@code *} at the end all that begin so
     * @param keyHeaders headers of requests that do, in lower case
     * @param heedsClients whether {@code Cache-Control} of requests counts
     * @param collapseMillis how long a request waits for another one's answer; 0: not at all
     * @param version answers that were kept under another one are not used
     */
    public record Cache(
            boolean enabled,
            long defaultTtlSeconds,
            long staleWhileRevalidateSeconds,
            long staleIfErrorSeconds,
            int maxBodyBytes,
            List<String> ignoredQueryParams,
            List<String> keyHeaders,
            boolean heedsClients,
            long collapseMillis,
            String version) {
        public Cache {
            ignoredQueryParams = List.copyOf(ignoredQueryParams);
            keyHeaders = List.copyOf(keyHeaders);
        }
    }

    public ContentConfig {
        targets = List.copyOf(targets);
    }

    /** One that says nothing of a cache. */
    public ContentConfig(List<TrafficTarget> targets, @Nullable Compression compression, long maxRequestBytes) {
        this(targets, compression, maxRequestBytes, null);
    }
}

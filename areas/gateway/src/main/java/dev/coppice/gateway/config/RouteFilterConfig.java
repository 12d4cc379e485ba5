package dev.coppice.gateway.config;

import dev.coppice.gateway.config.FilterConfig.HeaderChanges;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An HTTPRouteFilter. Values of headers and parameters are templates. Immutable.
 *
 * @param name {@code NAMESPACE/NAME}
 * @param when a CEL expression; empty: always
 * @param pathTemplate the path that requests must have; empty: any
 * @param rewrite null: what the backend sees stays
 * @param direct the answer; null: there is none
 * @param files answers; null: there are none
 * @param extension whose filter is asked; null: none is
 * @param function which is asked; null: none is
 */
public record RouteFilterConfig(
        String name,
        String when,
        String pathTemplate,
        HeaderChanges request,
        HeaderChanges response,
        @Nullable Rewrite rewrite,
        @Nullable Direct direct,
        @Nullable Files files,
        @Nullable Extension extension,
        @Nullable Function function) {

    /** Whether requests that it applies to are answered by it. */
    public boolean answers() {
        return direct != null || files != null;
    }

    /** Whether it applies to all requests of a rule. */
    public boolean always() {
        return when.isEmpty() && pathTemplate.isEmpty();
    }

    /**
     * What the backend sees instead.
     *
     * @param hostname a template; null: it stays
     * @param path null: it stays
     */
    public record Rewrite(
            @Nullable String hostname, @Nullable PathRewrite path, HeaderChanges query) {}

    /**
     * Another path.
     *
     * @param template of the path, and the query; null: by {@code pattern}
     * @param pattern what is replaced by {@code substitution}
     */
    public record PathRewrite(
            @Nullable String template,
            @Nullable String pattern,
            @Nullable String substitution) {}

    /** An answer. */
    public record Direct(int status, String contentType, String body, boolean template) {}

    /**
     * A filter of an extension.
     *
     * @param config an object in JSON
     * @param timeoutMillis of a call
     * @param maxConcurrent calls at one time
     * @param failOpen whether requests go on without it when it fails
     */
    public record Extension(String name, String config, long timeoutMillis, int maxConcurrent, boolean failOpen) {}

    /**
     * A function in WebAssembly.
     *
     * @param module in base64
     * @param config what it gets as its configuration
     * @param timeoutMillis of a call
     * @param maxMemoryBytes of each instance
     * @param maxBodyBytes of each body that it sees or writes
     * @param maxConcurrent instances at one time
     * @param failOpen whether requests go on without it when it fails
     */
    public record Function(
            String module,
            String config,
            long timeoutMillis,
            long maxMemoryBytes,
            int maxBodyBytes,
            int maxConcurrent,
            boolean failOpen) {
        @Override
        public String toString() {
            return "Function[" + module.length() + " characters]";
        }
    }

    /**
     * Files.
     *
     * @param entries in base64 by their paths, if they are in memory; null: they are in a directory
     * @param root an absolute path; null: they are in memory
     * @param directory below the root
     * @param index of directories; empty: they have none
     * @param fallback a path; null: what is not there is answered with 404
     * @param precompressed encodings in which files may lie beside files, the one that is liked best first
     */
    public record Files(
            @Nullable Map<String, String> entries,
            @Nullable String root,
            @Nullable String directory,
            String index,
            @Nullable String fallback,
            List<ContentConfig.Encoding> precompressed) {
        public Files {
            // What an earlier version saved has none.
            precompressed = precompressed == null ? List.of() : List.copyOf(precompressed);
            entries = entries == null ? null : Map.copyOf(entries);
        }

        @Override
        public String toString() {
            return entries == null ? "Files[" + root + "/" + directory + "]" : "Files[" + entries.keySet() + "]";
        }
    }
}

package dev.coppice.gateway.config;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Something that happens to a request or its answer on its way. Immutable. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
@JsonSubTypes({
    @JsonSubTypes.Type(value = FilterConfig.RequestHeaders.class, name = "RequestHeaders"),
    @JsonSubTypes.Type(value = FilterConfig.ResponseHeaders.class, name = "ResponseHeaders"),
    @JsonSubTypes.Type(value = FilterConfig.Redirect.class, name = "Redirect"),
    @JsonSubTypes.Type(value = FilterConfig.Rewrite.class, name = "Rewrite"),
    @JsonSubTypes.Type(value = FilterConfig.Mirror.class, name = "Mirror"),
    @JsonSubTypes.Type(value = FilterConfig.Cors.class, name = "Cors"),
    @JsonSubTypes.Type(value = FilterConfig.Named.class, name = "Named")
})
public sealed interface FilterConfig {

    /** A header with its value. */
    record Header(String name, String value) {}

    /** Changes of headers: {@code set} replaces all of a name, {@code add} adds to them, {@code remove} removes all. */
    record HeaderChanges(List<Header> set, List<Header> add, List<String> remove) {
        /** Nothing changes. */
        public static final HeaderChanges NONE = new HeaderChanges(List.of(), List.of(), List.of());

        public HeaderChanges {
            set = List.copyOf(set);
            add = List.copyOf(add);
            remove = List.copyOf(remove);
        }

        /** Whether nothing changes. */
        public boolean none() {
            return set.isEmpty() && add.isEmpty() && remove.isEmpty();
        }
    }

    /** Changes headers of the request. */
    record RequestHeaders(HeaderChanges changes) implements FilterConfig {}

    /** Changes headers of the answer. */
    record ResponseHeaders(HeaderChanges changes) implements FilterConfig {}

    /** A new path: the whole, or what stands for the prefix that the rule matched. */
    record PathChange(Type type, String value) {
        public enum Type {
            FULL,
            PREFIX
        }
    }

    /**
     * Answers with a redirect; what is null stays as in the request.
     *
     * @param port null: that of {@code scheme} when this is given, else the listener's; left out of the URL when it is usual for the scheme
     */
    record Redirect(
            @Nullable String scheme,
            @Nullable String hostname,
            @Nullable PathChange path,
            @Nullable Integer port,
            int status)
            implements FilterConfig {}

    /** Changes what the backend sees; what is null stays. */
    record Rewrite(@Nullable String hostname, @Nullable PathChange path) implements FilterConfig {}

    /**
     * Sends a copy of the request elsewhere, whose answer is thrown away.
     *
     * @param upstream name of the {@link UpstreamConfig}; empty for a reference that leads nowhere: no copy
     * @param numerator of so many requests ...
     * @param denominator ... among so many a copy is sent
     */
    record Mirror(String upstream, int numerator, int denominator) implements FilterConfig {}

    /**
     * Cross-origin resource sharing (the Fetch standard): answers preflight requests, and says in other answers what is allowed.
     *
     * @param allowOrigins such as {@code https://example.org}, {@code https://*.example.org} or {@code *}
     */
    record Cors(
            List<String> allowOrigins,
            boolean allowCredentials,
            List<String> allowMethods,
            List<String> allowHeaders,
            List<String> exposeHeaders,
            int maxAgeSeconds)
            implements FilterConfig {
        public Cors {
            allowOrigins = List.copyOf(allowOrigins);
            allowMethods = List.copyOf(allowMethods);
            allowHeaders = List.copyOf(allowHeaders);
            exposeHeaders = List.copyOf(exposeHeaders);
        }
    }

    /** Whatever the {@link RouteFilterConfig} of this name says. */
    record Named(String name) implements FilterConfig {}
}

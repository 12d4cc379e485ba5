package dev.coppice.health.blackbox;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.probe.ProbeSpec;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One module of a blackbox_exporter configuration. Immutable.
 *
 * @param prober http, tcp, dns, icmp or grpc
 * @param timeout null leaves it to the asker
 * @param options what stands under the prober's name
 * @param unsupported its fields that Coppice's prober has no counterpart for, each with a sentence
 */
public record BlackboxModule(
        String name, String prober, @Nullable Duration timeout, JsonNode options, List<Note> unsupported) {

    /**
     * A remark about a field.
     *
     * @param field its path, such as {@code modules.http_2xx.http.proxy_url}
     */
    public record Note(String field, String message) {
        @Override
        public String toString() {
            return field + ": " + message;
        }
    }

    public BlackboxModule {
        unsupported = List.copyOf(unsupported);
    }

    /**
     * What to probe for a target.
     *
     * @param hostname the HTTP Host and TLS server name; null takes the target's
     * @throws IllegalArgumentException in words for the user
     */
    public ProbeSpec spec(String target, @Nullable String hostname) {
        return new ModuleTranslation(this, target, hostname).spec();
    }

    /** Whether an answer that is larger than the limit fails the probe. */
    boolean failsOnLargeBody() {
        return options.has("body_size_limit")
                && !options.path("body_size_limit").asText().equals("0");
    }
}

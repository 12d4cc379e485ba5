package dev.coppice.health.migration;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.health.blackbox.Yaml;
import java.util.List;

/**
 * What an import made. Immutable.
 *
 * @param manifests HealthChecks, and Secrets for the credentials that stood in the configuration
 * @param findings every field that has no counterpart, in the order of the configuration
 */
public record Migration(List<ObjectNode> manifests, List<Finding> findings) {

    public Migration {
        manifests = List.copyOf(manifests);
        findings = List.copyOf(findings);
    }

    /** How many checks there are. */
    public long checks() {
        return manifests.stream()
                .filter(m -> m.path("kind").asText().equals("HealthCheck"))
                .count();
    }

    /** All manifests as one YAML text. */
    public String yaml() {
        return Yaml.write(manifests);
    }

    /**
     * Imports a Gatus configuration (https://github.com/TwiN/gatus).
     *
     * @param namespace where the manifests go
     * @throws IllegalArgumentException in words for the user, when a source cannot be read
     */
    public static Migration gatus(List<Source> sources, String namespace) {
        var sink = new ManifestSink(namespace);
        sources.forEach(source -> new GatusImport(source, sink).run());
        return sink.done();
    }

    /**
     * Imports blackbox_exporter's modules for the targets of a Prometheus. Each source is recognised by what is in it: a
     * blackbox_exporter configuration ({@code modules}), a Prometheus configuration ({@code scrape_configs}), a file of
     * file_sd (a list of {@code targets} and {@code labels}, YAML or JSON), or a plain list: a target a line, perhaps with
     * a module behind it. Without a configuration, blackbox_exporter's example modules are used.
     *
     * @param namespace where the manifests go
     * @throws IllegalArgumentException in words for the user, when a source cannot be read
     */
    public static Migration blackbox(List<Source> sources, String namespace) {
        var sink = new ManifestSink(namespace);
        new BlackboxImport(sources, sink).run();
        return sink.done();
    }
}

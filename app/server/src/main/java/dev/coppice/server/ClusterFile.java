package dev.coppice.server;

import dev.coppice.kernel.DurableFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;

/**
 * That a node is part of a cluster, and how, kept in the file {@code cluster} of its data directory.
 *
 * @param peerUrl where others reach it
 * @param founders those who began the cluster with it, by identifier; empty when it joined
 */
record ClusterFile(String peerUrl, Map<Long, String> founders) {

    private static final String NAME = "cluster";

    static Optional<ClusterFile> read(Path data) throws IOException {
        Path file = data.resolve(NAME);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        Properties properties = new Properties();
        try (var in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            properties.load(in);
        }
        Map<Long, String> founders = new LinkedHashMap<>();
        for (String key : properties.stringPropertyNames()) {
            if (key.startsWith("founder.")) {
                founders.put(Long.parseUnsignedLong(key.substring(8), 16), properties.getProperty(key));
            }
        }
        return Optional.of(new ClusterFile(properties.getProperty("peer"), founders));
    }

    void write(Path data) throws IOException {
        StringBuilder text = new StringBuilder("# This node is part of a cluster. Do not edit or copy.\n");
        text.append("peer=").append(peerUrl).append('\n');
        founders.forEach((id, url) -> text.append("founder.")
                .append(Long.toHexString(id))
                .append('=')
                .append(url)
                .append('\n'));
        DurableFile.write(data.resolve(NAME), text.toString());
    }
}

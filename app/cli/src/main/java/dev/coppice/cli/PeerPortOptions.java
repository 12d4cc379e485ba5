package dev.coppice.cli;

import dev.coppice.server.PeerOptions;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code coppice up} that have etcd's names, and are about the peer port. */
final class PeerPortOptions {

    @Option(
            names = "--peer-cert-file",
            paramLabel = "FILE",
            description =
                    "What this node shows other nodes instead of a certificate of the cluster's own authority (PEM);"
                            + " read again when it changes.")
    private @Nullable Path certificate;

    @Option(names = "--peer-key-file", paramLabel = "FILE", description = "Its key (PEM, PKCS #8).")
    private @Nullable Path key;

    @Option(
            names = "--peer-trusted-ca-file",
            paramLabel = "FILE",
            description = "Who signs the certificates of nodes (PEM): whoever shows one is taken for a node.")
    private @Nullable Path authority;

    @Option(
            names = "--election-timeout",
            paramLabel = "MILLIS",
            description =
                    "How long a follower hears nothing from its leader before it asks for votes; the same on all nodes"
                            + " (default: ${DEFAULT-VALUE}).")
    private int electionMillis = (int) PeerOptions.DEFAULT.election().toMillis();

    PeerOptions options() {
        return new PeerOptions(certificate, key, authority, Duration.ofMillis(electionMillis));
    }
}

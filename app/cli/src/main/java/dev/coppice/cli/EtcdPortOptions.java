package dev.coppice.cli;

import dev.coppice.server.EtcdFiles;
import dev.coppice.server.ServerOptions;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code coppice up} that have etcd's names, and are about the etcd port. */
final class EtcdPortOptions {

    @Option(
            names = "--auth-token",
            paramLabel = "SPEC",
            description = "Tokens of users of the etcd port: simple, or as in etcd jwt,sign-method=RS256,priv-key=FILE,"
                    + "pub-key=FILE,ttl=10m (default: ${DEFAULT-VALUE}).")
    private String authToken = ServerOptions.Etcd.DEFAULT.authToken();

    @Option(
            names = "--auto-compaction-mode",
            paramLabel = "MODE",
            description =
                    "How much history of the etcd port is kept: periodic or revision (default: ${DEFAULT-VALUE}).")
    private String compactionMode = ServerOptions.Etcd.DEFAULT.compactionMode();

    @Option(
            names = "--auto-compaction-retention",
            paramLabel = "AMOUNT",
            description = "Hours (or 30m, 90s), or revisions; 0 keeps everything (default: ${DEFAULT-VALUE}).")
    private String compactionRetention = ServerOptions.Etcd.DEFAULT.compactionRetention();

    @Option(
            names = "--quota-backend-bytes",
            paramLabel = "BYTES",
            description = "How much the etcd port may hold, history included, before it raises etcd's NOSPACE alarm"
                    + " (default: ${DEFAULT-VALUE}).")
    private long quotaBytes = ServerOptions.Etcd.DEFAULT.quotaBytes();

    @Option(
            names = "--max-request-bytes",
            paramLabel = "BYTES",
            description = "The most bytes of one write to the etcd port (default: ${DEFAULT-VALUE}).")
    private int requestBytes = ServerOptions.Etcd.DEFAULT.requestBytes();

    @Option(
            names = "--max-txn-ops",
            paramLabel = "NUMBER",
            description = "The most operations of one transaction on the etcd port (default: ${DEFAULT-VALUE}).")
    private int txnOperations = ServerOptions.Etcd.DEFAULT.txnOperations();

    @Option(
            names = "--cert-file",
            paramLabel = "FILE",
            description = "What the etcd port shows instead of a certificate of the node's own authority (PEM); read"
                    + " again when it changes.")
    private @Nullable Path certificate;

    @Option(names = "--key-file", paramLabel = "FILE", description = "Its key (PEM, PKCS #8).")
    private @Nullable Path key;

    @Option(
            names = "--trusted-ca-file",
            paramLabel = "FILE",
            description = "Who else signs certificates of clients of the etcd port (PEM). Whoever shows one may do"
                    + " everything while authentication is not enabled, as in etcd.")
    private @Nullable Path clientAuthority;

    @Option(names = "--client-cert-auth", description = "Refuse clients of the etcd port without a certificate.")
    private boolean requireClient;

    ServerOptions.Etcd options() {
        return new ServerOptions.Etcd(
                authToken,
                compactionMode,
                compactionRetention,
                quotaBytes,
                requestBytes,
                txnOperations,
                new EtcdFiles(certificate, key, clientAuthority, requireClient));
    }
}

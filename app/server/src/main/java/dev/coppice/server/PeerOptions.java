package dev.coppice.server;

import dev.coppice.serving.PeerFiles;
import dev.coppice.serving.TlsSource;
import dev.coppice.store.raft.ClusterSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How a node speaks with other nodes, given at each start; by etcd's names of the options.
 *
 * @param certificate what it shows them; null for a certificate of the cluster's own authority
 * @param key its key
 * @param authority who signs the certificates of nodes
 * @param election how long a follower hears nothing from its leader before it asks for votes
 */
public record PeerOptions(
        @Nullable Path certificate,
        @Nullable Path key,
        @Nullable Path authority,
        Duration election) {

    /** The cluster's own certificates. */
    public static final PeerOptions DEFAULT = new PeerOptions(null, null, null, ClusterSettings.DEFAULT_ELECTION);

    private static final Duration SHORTEST = Duration.ofMillis(100);
    private static final Duration LONGEST = Duration.ofSeconds(50);

    void check(List<String> problems) {
        long given = Stream.of(certificate, key, authority)
                .filter(each -> each != null)
                .count();
        if (given != 0 && given != 3) {
            problems.add("--peer-cert-file, --peer-key-file and --peer-trusted-ca-file go together: give all three, or"
                    + " none for certificates of the cluster's own");
        }
        if (election.compareTo(SHORTEST) < 0 || election.compareTo(LONGEST) > 0) {
            problems.add("--election-timeout: " + election.toMillis() + " is not possible: expected "
                    + SHORTEST.toMillis() + " to " + LONGEST.toMillis() + " milliseconds, such as "
                    + DEFAULT.election.toMillis());
        }
    }

    /** The user's; empty for the cluster's own. */
    Optional<TlsSource> certificates() throws IOException {
        if (certificate == null || key == null || authority == null) {
            return Optional.empty();
        }
        try {
            return Optional.of(new PeerFiles(certificate, key, authority));
        } catch (IOException e) {
            throw new IOException("--peer-cert-file, --peer-key-file, --peer-trusted-ca-file: " + e.getMessage(), e);
        }
    }
}

package dev.coppice.distribution.membership;

import dev.coppice.kernel.Clock;
import dev.coppice.kernel.DurableFile;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * A directory that all nodes share: each keeps a file {@code NAME.node} there that holds its address, written anew at every
 * look; files that were not for {@code stale} are not looked at, so the clocks of the nodes should agree within that. Whoever
 * may write there decides with whom nodes try to connect; only nodes of the cluster are accepted.
 *
 * @param name of this node
 * @param own where others reach it
 */
public record DirectoryStrategy(Clock clock, Path directory, String name, InetSocketAddress own, Duration stale)
        implements Strategy {
    private static final int MAX_FILES = 1_000;
    private static final int MAX_BYTES = 300;

    @Override
    public Set<InetSocketAddress> discover() throws IOException {
        Files.createDirectories(directory);
        long now = clock.currentTimeMillis();
        DurableFile.write(directory.resolve(name + ".node"), now + " " + Addresses.text(own) + "\n");
        Set<InetSocketAddress> found = new LinkedHashSet<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*.node")) {
            int read = 0;
            for (Path file : files) {
                if (read++ < MAX_FILES && Files.size(file) <= MAX_BYTES) {
                    String[] parts = Files.readString(file).strip().split(" ");
                    if (parts.length == 2 && now - time(parts[0]) < stale.toMillis()) {
                        Addresses.parse(parts[1]).ifPresent(found::add);
                    }
                }
            }
        }
        return found;
    }

    private static long time(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            return Long.MIN_VALUE / 2;
        }
    }
}

package dev.coppice.gateway.geography;

import com.maxmind.db.Reader;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Gauge;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Files that say where addresses are, in MaxMind's DB format (version 2). Each is held in memory, and read again when it has changed; one that
 * cannot be read leaves what was there before. Safe for use by many threads; a look-up neither waits nor reads files.
 *
 * @see <a href="https://maxmind.github.io/MaxMind-DB/">MaxMind DB file format</a>
 */
public final class LocationDatabases implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(LocationDatabases.class.getName());

    /** Between two looks at files. */
    public static final Duration LOOK = Duration.ofSeconds(10);

    private final List<Source> sources;
    private final long mostBytes;
    private final PrometheusRegistry registry;
    final Counter reads;
    private final Counter lookups;
    private final Gauge built;
    private volatile Databases databases = new Databases(List.of());

    /** All that could be read. A new one is another object. */
    private record Databases(List<Reader> readers) {}

    /** A file as it was when it was looked at last; what cannot be found has no stamp. */
    private static final class Source {
        final Path file;

        @Nullable
        Stamp stamp;

        @Nullable
        Reader reader;

        boolean looked;

        Source(Path file) {
            this.file = file;
        }
    }

    private record Stamp(
            long bytes, long changedMillis, @Nullable Object key) {
        static Stamp of(Path file) throws IOException {
            BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
            return new Stamp(now.size(), now.lastModifiedTime().toMillis(), now.fileKey());
        }
    }

    /**
     * Reads the files.
     *
     * @param files of which the first that knows something of an address counts
     * @param mostBytes that all files together may have
     */
    public LocationDatabases(List<Path> files, long mostBytes, PrometheusRegistry registry) {
        this.sources = files.stream().map(Source::new).toList();
        this.mostBytes = mostBytes;
        this.registry = registry;
        this.reads = Counter.builder()
                .name("coppice_gateway_location_reads_total")
                .help("Files with locations that were read, at the start or after a change.")
                .labelNames("result")
                .register(registry);
        this.lookups = Counter.builder()
                .name("coppice_gateway_location_lookups_total")
                .help("Look-ups of where a client is.")
                .labelNames("result")
                .register(registry);
        this.built = Gauge.builder()
                .name("coppice_gateway_location_database_built_seconds")
                .help("When the databases with locations were built that are in use (Unix time).")
                .labelNames("file")
                .register(registry);
        look();
    }

    /** Reads files that have changed. */
    public synchronized void look() {
        boolean changed = false;
        for (Source each : sources) {
            changed |= look(each);
        }
        if (changed) {
            databases = new Databases(sources.stream()
                    .map(each -> each.reader)
                    .filter(Objects::nonNull)
                    .toList());
        }
    }

    private boolean look(Source source) {
        Stamp now = null;
        try {
            now = Stamp.of(source.file);
            if (source.looked && now.equals(source.stamp)) {
                return false;
            }
            long others = sources.stream()
                    .filter(each -> each != source && each.reader != null && each.stamp != null)
                    .mapToLong(each -> Objects.requireNonNull(each.stamp).bytes)
                    .sum();
            if (now.bytes + others > mostBytes) {
                throw new IOException("it has " + now.bytes + " bytes, and all databases together may have " + mostBytes
                        + ", a quarter of the largest heap");
            }
            Reader read = new Reader(source.file.toFile(), Reader.FileMode.MEMORY);
            if (!now.equals(Stamp.of(source.file))) {
                // Somebody is writing it: the next look comes soon.
                return false;
            }
            source.reader = read;
            reads.labelValues("read").inc();
            built.labelValues(source.file.toString())
                    .set(read.getMetadata().buildTime().getEpochSecond());
            LOG.log(
                    Level.INFO,
                    source.file + ": " + read.getMetadata().databaseType() + ", built "
                            + read.getMetadata().buildTime());
            return true;
        } catch (IOException | RuntimeException | StackOverflowError | OutOfMemoryError e) {
            if (!source.looked || !Objects.equals(now, source.stamp)) {
                reads.labelValues("failed").inc();
                LOG.log(
                        Level.WARNING,
                        source.file + " cannot be read as a database in MaxMind's format: " + e
                                + (source.reader == null ? "; it is looked at again" : "; what it said before counts"));
            }
            return false;
        } finally {
            source.looked = true;
            source.stamp = now;
        }
    }

    /** Whether what was found with it may be kept: another object means that there are other databases. */
    public Object version() {
        return databases;
    }

    /** Where an address is. */
    public Location find(InetAddress address) {
        Location found = Location.UNKNOWN;
        boolean failed = false;
        for (Reader each : databases.readers()) {
            if (address instanceof Inet6Address && each.getMetadata().ipVersion() == 4) {
                continue;
            }
            try {
                Map<?, ?> entry = each.get(address, Map.class);
                if (entry != null) {
                    found = found.or(Location.of(entry));
                }
            } catch (IOException | RuntimeException | StackOverflowError _) {
                // The file is broken inside; nothing looked for that when it was opened.
                failed = true;
            }
        }
        lookups.labelValues(!found.equals(Location.UNKNOWN) ? "found" : failed ? "failed" : "unknown")
                .inc();
        return found;
    }

    /** Takes its metrics out. */
    @Override
    public void close() {
        registry.unregister(reads);
        registry.unregister(lookups);
        registry.unregister(built);
    }
}

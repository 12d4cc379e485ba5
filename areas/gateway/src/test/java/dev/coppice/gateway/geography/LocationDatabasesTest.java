package dev.coppice.gateway.geography;

import static org.assertj.core.api.Assertions.assertThat;

import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where addresses are: forms of databases, several of them, and files that change or are broken. */
class LocationDatabasesTest {
    private static final Map<String, ?> CALIFORNIA = Map.of(
            "continent", Map.of("code", "NA", "names", Map.of("en", "North America")),
            "country", Map.of("iso_code", "US", "geoname_id", 6_252_001),
            "subdivisions", List.of(Map.of("iso_code", "CA"), Map.of("iso_code", "X")));

    @TempDir
    Path folder;

    private final PrometheusRegistry registry = new PrometheusRegistry();

    private Path file(String name, DatabaseFile content) throws IOException {
        Path file = folder.resolve(name);
        content.write(file);
        return file;
    }

    private LocationDatabases open(Path... files) {
        return new LocationDatabases(List.of(files), 1 << 20, registry);
    }

    private static Location find(LocationDatabases all, String address) {
        return all.find(InetAddress.ofLiteral(address));
    }

    private static double reads(LocationDatabases all, String result) {
        return all.reads.labelValues(result).get();
    }

    @Test
    void theFormsOfUsualDatabasesAreRead() throws IOException {
        LocationDatabases all = open(file(
                "all.mmdb",
                new DatabaseFile(6)
                        .with("192.0.2.0/24", CALIFORNIA)
                        .with("198.51.100.0/25", Map.of("country_code", "DE"))
                        .with("2001:db8::/32", Map.of("country", "FR", "continent", "EU", "asn", "AS64496"))
                        .with("203.0.113.7/32", Map.of("autonomous_system_number", 64_497))));
        assertThat(find(all, "192.0.2.200")).isEqualTo(new Location("NA", "US", "US-CA", ""));
        assertThat(find(all, "198.51.100.127")).isEqualTo(new Location("", "DE", "", ""));
        assertThat(find(all, "198.51.100.128")).isEqualTo(Location.UNKNOWN);
        assertThat(find(all, "2001:db8:1::1")).isEqualTo(new Location("EU", "FR", "", "64496"));
        assertThat(find(all, "::ffff:203.0.113.7")).isEqualTo(new Location("", "", "", "64497"));
        assertThat(find(all, "203.0.113.8")).isEqualTo(Location.UNKNOWN);
    }

    @Test
    void whatDoesNotLookAsItShouldIsLeftOut() throws IOException {
        LocationDatabases all = open(file(
                "odd.mmdb",
                new DatabaseFile(4)
                        .with("192.0.2.0/25", Map.of("country", "Germany", "continent", List.of("EU"), "asn", "ASx"))
                        .with("192.0.2.128/25", Map.of("country_code", "D\r", "asn", "AS12345678901"))));
        assertThat(find(all, "192.0.2.1")).isEqualTo(Location.UNKNOWN);
        assertThat(find(all, "192.0.2.129")).isEqualTo(Location.UNKNOWN);
        assertThat(find(all, "2001:db8::1")).isEqualTo(Location.UNKNOWN);
    }

    @Test
    void ofSeveralDatabasesTheFirstThatKnowsSomethingCounts() throws IOException {
        Path own = file("own.mmdb", new DatabaseFile(4).with("192.0.2.0/24", Map.of("country_code", "CA")));
        Path bought = file(
                "bought.mmdb",
                new DatabaseFile(6).with("192.0.2.0/24", CALIFORNIA).with("2001:db8::/32", CALIFORNIA));
        Path systems =
                file("asn.mmdb", new DatabaseFile(4).with("192.0.2.0/24", Map.of("autonomous_system_number", 64_496)));
        LocationDatabases all = open(own, bought, systems);
        // No subdivision of another country.
        assertThat(find(all, "192.0.2.1")).isEqualTo(new Location("NA", "CA", "", "64496"));
        assertThat(find(all, "2001:db8::1")).isEqualTo(new Location("NA", "US", "US-CA", ""));
    }

    @Test
    void aFileThatChangesIsReadAgainAndABrokenOneLeavesWhatWasThere() throws IOException {
        Path file = file("a.mmdb", new DatabaseFile(4).with("192.0.2.0/24", Map.of("country_code", "DE")));
        LocationDatabases all = open(file);
        Object version = all.version();
        all.look();
        assertThat(all.version()).isSameAs(version);
        assertThat(reads(all, "read")).isEqualTo(1);

        Files.writeString(file, "not a database");
        all.look();
        all.look();
        assertThat(find(all, "192.0.2.1").country()).isEqualTo("DE");
        assertThat(all.version()).isSameAs(version);
        assertThat(reads(all, "failed")).isEqualTo(1);

        Files.delete(file);
        all.look();
        all.look();
        assertThat(find(all, "192.0.2.1").country()).isEqualTo("DE");
        assertThat(reads(all, "failed")).isEqualTo(2);

        new DatabaseFile(4).with("192.0.2.0/24", Map.of("country_code", "FR")).write(file);
        Files.setLastModifiedTime(file, FileTime.fromMillis(1));
        all.look();
        assertThat(find(all, "192.0.2.1").country()).isEqualTo("FR");
        assertThat(all.version()).isNotSameAs(version);
    }

    @Test
    void aFileThatIsNotThereYetIsReadWhenItIs() throws IOException {
        Path file = folder.resolve("later.mmdb");
        LocationDatabases all = open(file);
        assertThat(find(all, "192.0.2.1")).isEqualTo(Location.UNKNOWN);
        new DatabaseFile(4).with("192.0.2.0/24", Map.of("country_code", "DE")).write(file);
        all.look();
        assertThat(find(all, "192.0.2.1").country()).isEqualTo("DE");
    }

    @Test
    void databasesHaveABoundTogether() throws IOException {
        DatabaseFile content = new DatabaseFile(4).with("192.0.2.0/24", Map.of("country_code", "DE"));
        Path one = file("one.mmdb", content);
        Path two = file("two.mmdb", new DatabaseFile(4).with("198.51.100.0/24", Map.of("country_code", "FR")));
        LocationDatabases all =
                new LocationDatabases(List.of(one, two), Files.size(one) + Files.size(two) - 1, registry);
        assertThat(find(all, "192.0.2.1").country()).isEqualTo("DE");
        assertThat(find(all, "198.51.100.1")).isEqualTo(Location.UNKNOWN);
        assertThat(reads(all, "failed")).isEqualTo(1);
    }

    /** Whatever bytes a file has, a look-up ends, with something or nothing. */
    @Test
    void filesThatAreBrokenInsideFailNobody() throws IOException {
        byte[] good = new DatabaseFile(6).with("192.0.2.0/24", CALIFORNIA).bytes();
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Path file = folder.resolve("broken.mmdb");
        for (int round = 0; round < 300; round++) {
            byte[] bytes = Arrays.copyOf(good, random.nextInt(4) == 0 ? random.nextInt(good.length) : good.length);
            for (int i = random.nextInt(4); i > 0 && bytes.length > 0; i--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            Files.write(file, bytes);
            try (LocationDatabases all = open(file)) {
                assertThat(find(all, "192.0.2.1"))
                        .as("seed %d, round %d", seed, round)
                        .isNotNull();
            }
        }
    }
}

package dev.coppice.store.bolt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** What is written can be read again, and what was tampered with is refused without harm. */
class BoltFileTest {

    private static final HexFormat HEX = HexFormat.of();

    private final byte[] sample;

    BoltFileTest() throws IOException {
        sample = written(some(7, 3, 120));
    }

    private static SortedMap<String, SortedMap<String, byte[]>> some(long seed, int buckets, int pairs) {
        Random random = new Random(seed);
        SortedMap<String, SortedMap<String, byte[]>> all = new TreeMap<>();
        for (int b = 0; b < buckets; b++) {
            SortedMap<String, byte[]> bucket = new TreeMap<>();
            for (int i = random.nextInt(pairs + 1); i > 0; i--) {
                byte[] key = new byte[1 + random.nextInt(random.nextInt(10) == 0 ? 3000 : 20)];
                random.nextBytes(key);
                byte[] value = new byte[random.nextInt(random.nextInt(20) == 0 ? 20_000 : 100)];
                random.nextBytes(value);
                bucket.put(HEX.formatHex(key), value);
            }
            all.put("bucket" + b, bucket);
        }
        return all;
    }

    private static byte[] written(SortedMap<String, SortedMap<String, byte[]>> all) throws IOException {
        List<Bucket> buckets = new ArrayList<>();
        all.forEach((name, pairs) -> buckets.add(new Bucket(name, taker -> {
            for (Map.Entry<String, byte[]> pair : pairs.entrySet()) {
                taker.entry(HEX.parseHex(pair.getKey()), pair.getValue());
            }
        })));
        BoltWriter writer = BoltWriter.measure(buckets);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        writer.write(out);
        assertThat(out.size()).isEqualTo((int) writer.bytes());
        return out.toByteArray();
    }

    private static int read(Path file, SortedMap<String, SortedMap<String, byte[]>> into) throws IOException {
        int[] count = {0};
        try (BoltReader reader = BoltReader.open(file)) {
            for (String bucket : reader.buckets()) {
                SortedMap<String, byte[]> pairs = new TreeMap<>();
                reader.forEach(bucket, (key, value) -> {
                    pairs.put(HEX.formatHex(key), value);
                    count[0]++;
                });
                into.put(bucket, pairs);
            }
        }
        return count[0];
    }

    @Property(tries = 30)
    void whatWasWrittenIsRead(
            @ForAll long seed, @ForAll @IntRange(max = 12) int buckets, @ForAll @IntRange(max = 300) int pairs)
            throws IOException {
        SortedMap<String, SortedMap<String, byte[]>> all = some(seed, buckets, pairs);
        Path file = Files.createTempFile("bolt", ".db");
        try {
            Files.write(file, written(all));
            SortedMap<String, SortedMap<String, byte[]>> found = new TreeMap<>();
            int unused = read(file, found);
            assertThat(found.keySet()).isEqualTo(all.keySet());
            all.forEach((name, bucketPairs) -> {
                assertThat(found.get(name).keySet()).isEqualTo(bucketPairs.keySet());
                bucketPairs.forEach(
                        (key, value) -> assertThat(found.get(name).get(key)).isEqualTo(value));
            });
        } finally {
            Files.delete(file);
        }
    }

    /** Whatever bytes are changed: it is read in bounded time and memory, or refused with a message. */
    @Property(tries = 300)
    void damageIsFoundOrHarmless(@ForAll long seed, @ForAll @IntRange(min = 1, max = 8) int changes)
            throws IOException {
        byte[] file = sample.clone();
        Random random = new Random(seed);
        for (int i = 0; i < changes; i++) {
            // The first bytes of a page are what the structure rests on.
            int page = random.nextInt(file.length / BoltFormat.PAGE_BYTES);
            int at = random.nextBoolean() ? random.nextInt(64) : random.nextInt(BoltFormat.PAGE_BYTES);
            file[page * BoltFormat.PAGE_BYTES + at] = (byte) random.nextInt(256);
        }
        Path path = Files.createTempFile("bolt", ".db");
        try {
            Files.write(path, file);
            int unused = read(path, new TreeMap<>());
        } catch (DamagedFileException e) {
            assertThat(e).hasMessageContaining(path.toString());
        } finally {
            Files.delete(path);
        }
    }

    private static void refused(byte[] file, String... says) throws IOException {
        Path path = Files.createTempFile("bolt", ".db");
        try {
            Files.write(path, file);
            assertThatThrownBy(() -> read(path, new TreeMap<>()))
                    .isInstanceOf(DamagedFileException.class)
                    .hasMessageContainingAll(says);
        } finally {
            Files.delete(path);
        }
    }

    @Test
    void refusesWhatIsCutOff() throws IOException {
        byte[] file = written(some(3, 2, 300));
        refused(Arrays.copyOf(file, file.length / 2), "was cut off");
        refused(Arrays.copyOf(file, 100), "was cut off");
        refused(Arrays.copyOf(file, 70), "is no snapshot of etcd or Coppice");
        refused(new byte[0], "is no snapshot of etcd or Coppice");
        refused(
                "apiVersion: v1\nkind: ConfigMap\n".repeat(400).getBytes(java.nio.charset.StandardCharsets.UTF_8),
                "no snapshot");
    }

    @Test
    void refusesPagesThatGoInCircles() throws IOException {
        byte[] file = written(some(3, 1, 600));
        ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int circled = 0;
        for (int page = 3; page < file.length / BoltFormat.PAGE_BYTES; page++) {
            int start = page * BoltFormat.PAGE_BYTES;
            if (bytes.getLong(start) == page && bytes.getShort(start + 8) == BoltFormat.BRANCH) {
                bytes.putLong(start + BoltFormat.HEADER_BYTES + 8, page);
                circled++;
            }
        }
        assertThat(circled).isPositive();
        refused(file, "twice");
    }

    @Test
    void readsTheOlderStartWhenTheNewerIsBroken() throws IOException {
        SortedMap<String, SortedMap<String, byte[]>> all = some(5, 2, 50);
        for (int page = 0; page < BoltFormat.META_PAGES; page++) {
            byte[] file = written(all);
            file[page * BoltFormat.PAGE_BYTES + BoltFormat.HEADER_BYTES + 20] ^= 1;
            Path path = Files.createTempFile("bolt", ".db");
            Files.write(path, file);
            SortedMap<String, SortedMap<String, byte[]>> found = new TreeMap<>();
            int unused = read(path, found);
            assertThat(found.keySet()).isEqualTo(all.keySet());
            Files.delete(path);
        }
    }
}

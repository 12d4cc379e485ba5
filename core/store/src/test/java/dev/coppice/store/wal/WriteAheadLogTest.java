package dev.coppice.store.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WriteAheadLogTest {

    private static final int SEGMENT_BYTES = 1000;

    @TempDir
    Path directory;

    private final SimulatedDisk disk = new SimulatedDisk(new Random(1));

    private static Record record(long index, long term, String text) {
        return new Record(index, term, 1, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    }

    private static List<Record> records(long from, long to) {
        List<Record> records = new ArrayList<>();
        for (long index = from; index <= to; index++) {
            records.add(record(index, 7, "entry " + index));
        }
        return records;
    }

    private WriteAheadLog open() throws IOException {
        return WriteAheadLog.open(disk, SEGMENT_BYTES, each -> {});
    }

    private static List<Long> indexes(WriteAheadLog log) {
        return log.lastIndex() == 0
                ? List.of()
                : Stream.iterate(log.firstIndex(), i -> i <= log.lastIndex(), i -> i + 1)
                        .toList();
    }

    private static void assertHolds(WriteAheadLog log, long from, long to) throws IOException {
        assertThat(log.firstIndex()).isEqualTo(from);
        assertThat(log.lastIndex()).isEqualTo(to);
        for (Record each : records(from, to)) {
            assertThat(log.read(each.index())).isEqualTo(each);
        }
        assertThat(log.read(from - 1)).isNull();
        assertThat(log.read(to + 1)).isNull();
    }

    @Test
    void keepsEntriesOverARestart() throws Exception {
        List<Long> seen = new ArrayList<>();
        try (WriteAheadLog log = WriteAheadLog.open(directory, each -> {})) {
            assertThat(log.firstIndex()).isEqualTo(1);
            assertThat(log.lastIndex()).isZero();
            log.append(records(1, 3));
            log.append(List.of(record(4, 7, "entry 4")));
            assertHolds(log, 1, 4);
        }
        try (WriteAheadLog log = WriteAheadLog.open(directory, each -> seen.add(each.index()))) {
            assertHolds(log, 1, 4);
            assertThat(seen).containsExactly(1L, 2L, 3L, 4L);
            log.append(records(5, 6));
            assertHolds(log, 1, 6);
        }
    }

    @Test
    void takesEntriesLargerThanItsBuffer() throws Exception {
        String large = "x".repeat(3 << 20);
        try (WriteAheadLog log = WriteAheadLog.open(directory, each -> {})) {
            log.append(List.of(record(1, 1, "a"), record(2, 1, large), record(3, 1, "b")));
            for (int i = 4; i < 12; i++) {
                log.append(List.of(record(i, 1, large)));
            }
            assertThat(log.bytes()).isGreaterThan(27 << 20);
        }
        try (WriteAheadLog log = WriteAheadLog.open(directory, each -> {})) {
            assertThat(log.read(2)).isEqualTo(record(2, 1, large));
            assertThat(log.read(11)).isEqualTo(record(11, 1, large));
            log.truncatePrefix(11);
            assertThat(log.bytes()).isLessThan(20 << 20);
        }
    }

    @Test
    void forgetsItsBeginningByWholeSegments() throws Exception {
        try (WriteAheadLog log = open()) {
            for (int i = 1; i <= 100; i++) {
                log.append(records(i, i));
            }
            int files = disk.names().size();
            assertThat(files).isGreaterThan(3);
            log.truncatePrefix(60);
            assertHolds(log, 60, 100);
            assertThat(disk.names().size()).isBetween(2, files - 2);
            log.truncatePrefix(50);
            assertHolds(log, 60, 100);
        }
        try (WriteAheadLog log = open()) {
            assertThat(log.firstIndex()).isBetween(30L, 60L);
            assertThat(log.lastIndex()).isEqualTo(100);
        }
    }

    @Test
    void cutsItsEndOffAndGoesOnFromThere() throws Exception {
        try (WriteAheadLog log = open()) {
            log.append(records(1, 100));
            log.append(records(101, 120));
            log.truncateSuffix(100);
            assertHolds(log, 1, 100);
            log.truncateSuffix(40);
            log.append(List.of(record(41, 8, "another")));
            assertThat(indexes(log)).hasSize(41);
        }
        try (WriteAheadLog log = open()) {
            assertThat(log.lastIndex()).isEqualTo(41);
            assertThat(log.read(41)).isEqualTo(record(41, 8, "another"));
        }
    }

    @Test
    void replacesEntriesThatAreAppendedAgain() throws Exception {
        try (WriteAheadLog log = open()) {
            log.append(records(1, 50));
            log.append(List.of(record(20, 9, "other"), record(21, 9, "other")));
            assertThat(log.lastIndex()).isEqualTo(21);
            assertThat(log.read(20)).isEqualTo(record(20, 9, "other"));
            assertThat(log.read(19)).isEqualTo(record(19, 7, "entry 19"));
        }
    }

    @Test
    void beginsAnewBehindASnapshot() throws Exception {
        try (WriteAheadLog log = open()) {
            log.append(records(1, 50));
            log.truncatePrefix(1000);
            assertThat(log.firstIndex()).isEqualTo(1000);
            assertThat(log.lastIndex()).isZero();
            assertThat(log.read(50)).isNull();
        }
        try (WriteAheadLog log = open()) {
            assertThat(log.firstIndex()).isEqualTo(1000);
            log.append(records(1000, 1001));
            assertHolds(log, 1000, 1001);
            log.reset(30);
            log.append(records(30, 31));
            assertHolds(log, 30, 31);
            log.truncateSuffix(10);
            log.append(records(11, 12));
            assertHolds(log, 11, 12);
        }
    }

    @Test
    void refusesGaps() throws Exception {
        try (WriteAheadLog log = open()) {
            log.append(records(1, 5));
            assertThatThrownBy(() -> log.append(records(7, 8)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("entry 7 does not follow entry 5");
            assertThatThrownBy(() -> log.append(List.of(record(6, 1, ""), record(8, 1, ""))))
                    .hasMessage("entry 8 does not follow entry 6");
            log.append(records(6, 6));
            assertHolds(log, 1, 6);
        }
    }

    @Test
    void takesNoMoreAfterAFailureUntilItIsOpenedAgain() throws Exception {
        try (WriteAheadLog log = open()) {
            log.append(records(1, 5));
            disk.failAfter(1);
            assertThatThrownBy(() -> log.append(records(6, 9))).hasMessage("sync failed");
            assertThatThrownBy(() -> log.append(records(6, 9))).hasMessageContaining("takes no more");
            assertThatThrownBy(() -> log.truncateSuffix(3)).hasRootCauseMessage("sync failed");
            assertHolds(log, 1, 5);
        }
        try (WriteAheadLog log = open()) {
            assertThat(log.lastIndex()).isBetween(5L, 9L);
            log.append(records(log.lastIndex() + 1, 10));
            assertHolds(log, 1, 10);
        }
    }

    // ---- damage

    private void write(int batches, int each) throws IOException {
        try (WriteAheadLog log = open()) {
            for (int i = 0; i < batches; i++) {
                log.append(records((long) i * each + 1, (long) (i + 1) * each));
            }
        }
    }

    @Test
    void cutsOffWhatACrashLeftOfTheLastBatch() throws Exception {
        write(2, 3);
        String newest = disk.names().getLast();
        // Three entries of 32 + 7 bytes were the last batch.
        disk.damage(newest, disk.size(newest) - 2 * 39 - 1);
        try (WriteAheadLog log = open()) {
            assertHolds(log, 1, 3);
            log.append(records(4, 4));
        }
        try (WriteAheadLog log = open()) {
            assertHolds(log, 1, 4);
        }
    }

    @Test
    void refusesToOpenWhenASyncedBatchIsDamaged() throws Exception {
        write(3, 3);
        disk.damage(disk.names().getLast(), Segment.HEADER_BYTES + 4 * 39);
        assertThatThrownBy(this::open)
                .isInstanceOf(CorruptLogException.class)
                .hasMessageContaining("entry 5 of the log is damaged")
                .hasMessageContaining(".wal")
                .hasMessageContaining("at byte 176")
                .hasMessageContaining("Restore a backup");
    }

    @Test
    void refusesToOpenWhenAnOlderSegmentIsDamagedOrMissing() throws Exception {
        write(40, 3);
        List<String> names = disk.names();
        assertThat(names).hasSizeGreaterThan(3);
        disk.damage(names.get(1), disk.size(names.get(1)) - 1);
        assertThatThrownBy(this::open).isInstanceOf(CorruptLogException.class).hasMessageContaining("is damaged");
        disk.damage(names.get(1), disk.size(names.get(1)) - 1);
        open().close();
        disk.damage(names.get(1), 9);
        assertThatThrownBy(this::open)
                .isInstanceOf(CorruptLogException.class)
                .hasMessageContaining("the header of " + names.get(1));
        disk.delete(names.get(1));
        assertThatThrownBy(this::open)
                .isInstanceOf(CorruptLogException.class)
                .hasMessageMatching("entries \\d+ to \\d+ of the log in .* are missing.*");
    }

    @Test
    void tellsOfAnEntryThatWasDamagedLater() throws Exception {
        try (WriteAheadLog log = open()) {
            log.append(records(1, 5));
            disk.damage(disk.names().getFirst(), Segment.HEADER_BYTES + 2 * 39 + 35);
            assertThatThrownBy(() -> log.read(3)).hasMessageContaining("entry 3 of the log is damaged");
            assertThat(log.read(4)).isEqualTo(record(4, 7, "entry 4"));
        }
    }

    @Test
    void cutsOffEveryTornTailOfARealFile() throws Exception {
        try (WriteAheadLog log = WriteAheadLog.open(directory, each -> {})) {
            log.append(records(1, 3));
            log.append(records(4, 5));
        }
        Path file;
        try (Stream<Path> files = Files.list(directory)) {
            file = files.findFirst().orElseThrow();
        }
        byte[] whole = Files.readAllBytes(file);
        for (int length = Segment.HEADER_BYTES + 3 * 39; length <= whole.length; length++) {
            // With zeros behind it, as a file system may leave them.
            Files.write(file, Arrays.copyOf(Arrays.copyOf(whole, length), whole.length + 100));
            int kept = 3 + (length - Segment.HEADER_BYTES - 3 * 39) / 39;
            try (WriteAheadLog log = WriteAheadLog.open(directory, each -> {})) {
                assertHolds(log, 1, kept);
            }
            assertThat(Files.size(file)).isEqualTo(Segment.HEADER_BYTES + kept * 39L);
        }
    }

    @Test
    void goesOnWhenAReaderIsInterrupted() throws Exception {
        try (WriteAheadLog log = WriteAheadLog.open(directory, each -> {})) {
            log.append(records(1, 5));
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> log.read(1)).isInstanceOf(IOException.class);
            assertThat(Thread.interrupted()).isTrue();
            log.append(records(6, 6));
            assertHolds(log, 1, 6);
        }
    }

    @Test
    void aReaderThatIsInterruptedDoesNotDisturbAnother() throws Exception {
        try (WriteAheadLog log = WriteAheadLog.open(directory, each -> {})) {
            log.append(records(1, 5));
            AtomicBoolean done = new AtomicBoolean();
            Thread interrupted = Thread.ofPlatform().start(() -> {
                for (int i = 0; i < 20_000; i++) {
                    Thread.currentThread().interrupt();
                    assertThatThrownBy(() -> log.read(1)).isInstanceOf(IOException.class);
                    Thread.interrupted();
                }
                done.set(true);
            });
            while (interrupted.isAlive()) {
                assertHolds(log, 1, 5);
            }
            assertThat(done).isTrue();
        }
    }

    @Test
    void isReadWhileItIsChanged() throws Exception {
        try (WriteAheadLog log = WriteAheadLog.open(new FileDirectory(directory), SEGMENT_BYTES, each -> {})) {
            AtomicBoolean done = new AtomicBoolean();
            AtomicInteger found = new AtomicInteger();
            AtomicReference<Throwable> wrong = new AtomicReference<>();
            Thread reader = Thread.ofPlatform().start(() -> {
                try {
                    Random random = new Random(1);
                    while (!done.get() || found.get() == 0) {
                        long index = log.firstIndex() + random.nextInt(60);
                        Record read = log.read(index);
                        if (read != null) {
                            assertThat(read).isEqualTo(records(index, index).getFirst());
                            found.incrementAndGet();
                        }
                    }
                } catch (Throwable e) {
                    wrong.set(e);
                }
            });
            for (int i = 1; i < 400; i += 2) {
                log.append(records(i, i + 2));
                log.truncateSuffix(i + 1);
                log.truncatePrefix(i - 50);
            }
            done.set(true);
            reader.join();
            assertThat(wrong.get()).isNull();
            assertThat(found.get()).isPositive();
        }
    }
}

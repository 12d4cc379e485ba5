package dev.coppice.store.wal;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Random changes of a log on a simulated disk that loses power, fails to write and fails to sync, compared with a list. What was
 * acknowledged, or seen after a restart, is there for good.
 */
class WriteAheadLogModelTest {

    private static final int RUNS = Integer.getInteger("coppice.wal.runs", 300);
    private static final int STEPS = 120;

    @Test
    void losesNothingThatWasAcknowledged() throws Exception {
        long seed = Long.getLong("coppice.seed", System.nanoTime());
        System.out.println("WriteAheadLogModelTest: -Dcoppice.seed=" + seed);
        for (int run = 0; run < RUNS; run++) {
            try {
                new Run(new Random(seed + run)).run();
            } catch (AssertionError | Exception e) {
                throw new AssertionError("with -Dcoppice.seed=" + (seed + run), e);
            }
        }
    }

    /** What a log may hold after a change that was cut off: some entries for sure, then a beginning of one of some lists. */
    private record Possible(List<Record> certain, List<List<Record>> then) {}

    private static final class Run {
        private final Random random;
        private final SimulatedDisk disk;
        private WriteAheadLog log;
        private long first = 1;
        private List<Record> entries = new ArrayList<>();
        private int made;

        Run(Random random) throws IOException {
            this.random = random;
            this.disk = new SimulatedDisk(random);
            this.log = WriteAheadLog.open(disk, 600, each -> {});
        }

        void run() throws IOException {
            for (int step = 0; step < STEPS; step++) {
                if (random.nextInt(4) == 0) {
                    disk.failAfter(random.nextInt(8));
                }
                Possible possible = null;
                try {
                    possible = change();
                } finally {
                    disk.failAfter(-1);
                }
                if (possible != null || random.nextInt(8) == 0) {
                    restart(possible == null ? new Possible(entries, List.of()) : possible);
                }
                compare();
            }
            log.close();
        }

        private long next() {
            return first + entries.size();
        }

        private List<Record> upTo(long index) {
            return entries.subList(0, (int) Math.clamp(index - first, 0, entries.size()));
        }

        private List<Record> from(long index) {
            return entries.subList((int) Math.clamp(index - first, 0, entries.size()), entries.size());
        }

        /** Null when it was done. */
        private Possible change() {
            return switch (random.nextInt(12)) {
                case 0 -> truncatePrefix(first + random.nextInt(entries.size() + 3));
                case 1 -> truncateSuffix(first - 1 + random.nextInt(entries.size() + 2));
                case 2 -> random.nextInt(6) == 0 ? reset(next() + random.nextInt(20)) : null;
                case 3, 4 -> append(Math.max(first, next() - random.nextInt(6)));
                default -> append(next());
            };
        }

        private interface Change {
            void make() throws IOException;
        }

        private static boolean done(Change change) {
            try {
                change.make();
                return true;
            } catch (IOException e) {
                return false;
            }
        }

        private Possible append(long begin) {
            List<Record> added = new ArrayList<>();
            for (int i = random.nextInt(6); i >= 0; i--) {
                byte[] data = new byte[random.nextInt(random.nextInt(20) == 0 ? 2000 : 60)];
                random.nextBytes(data);
                added.add(new Record(begin + added.size(), ++made, random.nextInt(3), ByteBuffer.wrap(data)));
            }
            List<Record> before = List.copyOf(upTo(begin));
            if (done(() -> log.append(added))) {
                entries = new ArrayList<>(before);
                entries.addAll(added);
                return null;
            }
            return new Possible(before, List.of(List.copyOf(from(begin)), added));
        }

        private Possible truncateSuffix(long last) {
            if (done(() -> log.truncateSuffix(last))) {
                if (last < first - 1) {
                    first = last + 1;
                }
                entries = new ArrayList<>(upTo(last + 1));
                return null;
            }
            return new Possible(List.copyOf(upTo(last + 1)), List.of(List.copyOf(from(last + 1))));
        }

        private Possible truncatePrefix(long index) {
            boolean whole = index >= next();
            if (done(() -> log.truncatePrefix(index))) {
                entries = new ArrayList<>(from(index));
                first = Math.max(first, index);
                return null;
            }
            return whole
                    ? new Possible(List.of(), List.of(List.copyOf(entries)))
                    : new Possible(List.copyOf(from(index)), List.of());
        }

        private Possible reset(long next) {
            if (done(() -> log.reset(next))) {
                entries = new ArrayList<>();
                first = next;
                return null;
            }
            return new Possible(List.of(), List.of(List.copyOf(entries)));
        }

        /** With or without a loss of power; sometimes the disk fails while it starts, which then is tried again. */
        private void restart(Possible possible) throws IOException {
            log.close();
            if (random.nextBoolean()) {
                disk.crash();
            }
            if (random.nextInt(4) == 0) {
                disk.failAfter(random.nextInt(4));
                try {
                    WriteAheadLog.open(disk, 600, each -> {}).close();
                } catch (CorruptLogException e) {
                    throw e;
                } catch (IOException e) {
                    disk.failAfter(-1);
                    if (random.nextBoolean()) {
                        disk.crash();
                    }
                }
                disk.failAfter(-1);
            }
            List<Record> found = new ArrayList<>();
            log = WriteAheadLog.open(
                    disk,
                    600,
                    each -> found.add(new Record(
                            each.index(),
                            each.term(),
                            each.kind(),
                            ByteBuffer.allocate(each.data().remaining())
                                    .put(each.data().duplicate())
                                    .flip())));
            check(found, possible);
            // What was forgotten at the beginning may be back.
            long kept = possible.certain().isEmpty()
                    ? first
                    : possible.certain().getFirst().index();
            entries = new ArrayList<>(found);
            entries.removeIf(each -> !possible.certain().isEmpty() && each.index() < kept);
            if (entries.isEmpty()) {
                first = log.firstIndex();
            } else {
                first = entries.getFirst().index();
                log.truncatePrefix(first);
            }
        }

        private void check(List<Record> found, Possible possible) {
            List<Record> certain = possible.certain();
            List<Record> rest = found;
            if (!certain.isEmpty()) {
                int skip = 0;
                while (skip < found.size()
                        && found.get(skip).index() < certain.getFirst().index()) {
                    skip++;
                }
                assertThat(found.size() - skip).as("entries that are left").isGreaterThanOrEqualTo(certain.size());
                assertThat(found.subList(skip, skip + certain.size())).isEqualTo(certain);
                rest = found.subList(skip + certain.size(), found.size());
            }
            List<Record> behind = rest;
            boolean known = rest.isEmpty()
                    || certain.isEmpty()
                    || possible.then().stream().anyMatch(each -> beginsWith(each, behind));
            assertThat(known).as("what is behind the certain: %s", rest).isTrue();
        }

        private static boolean beginsWith(List<Record> whole, List<Record> beginning) {
            return whole.size() >= beginning.size()
                    && whole.subList(0, beginning.size()).equals(beginning);
        }

        private void compare() throws IOException {
            assertThat(log.firstIndex()).isEqualTo(first);
            assertThat(log.lastIndex()).isEqualTo(entries.isEmpty() ? 0 : next() - 1);
            for (Record each : entries) {
                assertThat(log.read(each.index())).isEqualTo(each);
            }
        }
    }
}

package dev.coppice.health.series;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One result of one check, as it is kept: 32 bytes on the disk.
 *
 * @param check the check's number in this store
 * @param timeMillis when it ended, wall clock
 * @param outcome how it counts
 * @param code a status code, exit code or the like; 0 when there is none
 * @param latencyMicros how long it took; -1 when that has no meaning
 * @param connectMicros until the connection stood; -1 when unknown
 */
public record Sample(int check, long timeMillis, Outcome outcome, int code, int latencyMicros, int connectMicros) {
    static final int BYTES = 32;

    /** How a result counts. */
    public enum Outcome {
        UP,
        DEGRADED,
        DOWN,
        /** Failed, but because of a dependency: does not count. */
        SUPPRESSED,
        /** In a maintenance window: does not count. */
        MAINTENANCE;

        private static final Outcome[] ALL = values();

        static @Nullable Outcome of(int ordinal) {
            return ordinal >= 0 && ordinal < ALL.length ? ALL[ordinal] : null;
        }
    }

    void write(ByteBuffer to) {
        int start = to.position();
        to.putInt(check)
                .putLong(timeMillis)
                .putInt(latencyMicros)
                .putInt(connectMicros)
                .putInt(code)
                .put((byte) outcome.ordinal())
                .put((byte) 1)
                .putShort((short) 0);
        to.putInt(crc(to, start));
    }

    /** Null when the bytes are damaged. */
    static @Nullable Sample read(ByteBuffer from) {
        int start = from.position();
        int check = from.getInt();
        long time = from.getLong();
        int latency = from.getInt();
        int connect = from.getInt();
        int code = from.getInt();
        Outcome outcome = Outcome.of(from.get());
        from.get();
        from.getShort();
        int sum = from.getInt();
        return outcome == null || sum != crc(from, start)
                ? null
                : new Sample(check, time, outcome, code, latency, connect);
    }

    private static int crc(ByteBuffer bytes, int start) {
        CRC32C crc = new CRC32C();
        crc.update(bytes.array(), bytes.arrayOffset() + start, BYTES - 4);
        return (int) crc.getValue();
    }
}

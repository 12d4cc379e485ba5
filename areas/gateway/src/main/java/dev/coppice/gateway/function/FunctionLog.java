package dev.coppice.gateway.function;

import dev.coppice.kernel.Clock;
import java.io.OutputStream;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Lines that a function writes into the log: {@value #MOST_LINES} in {@value #SECONDS} seconds, each of {@value #MOST_CHARACTERS} characters at most and without
 * control characters; the rest is dropped, and counted. Safe for use by many threads.
 */
public final class FunctionLog {
    private static final System.Logger LOG = System.getLogger(FunctionLog.class.getName());
    private static final int MOST_LINES = 100;
    private static final int SECONDS = 10;
    static final int MOST_CHARACTERS = 1000;
    private static final long SPAN_NANOS = TimeUnit.SECONDS.toNanos(SECONDS);
    private static final int DELETE = 0x7F;
    /** From here on no level is written. */
    private static final int NONE = 3;

    private final String name;
    private final Clock clock;
    private final Consumer<String> counter;
    private long spanNanos;
    private int lines;

    /**
     * Writes nothing yet.
     *
     * @param name of the function
     * @param counter gets {@code written} or {@code dropped} for each line
     */
    public FunctionLog(String name, Clock clock, Consumer<String> counter) {
        this.name = name;
        this.clock = clock;
        this.counter = counter;
        this.spanNanos = clock.nanoTime();
    }

    /** Whether lines of a guest's level are written: -1 debug, 0 info, 1 warning, 2 error. */
    static boolean enabled(int level) {
        return level < NONE && LOG.isLoggable(of(level));
    }

    private static Level of(int level) {
        return level < 0 ? Level.DEBUG : level == 0 ? Level.INFO : level == 1 ? Level.WARNING : Level.ERROR;
    }

    /** A line of the guest's. */
    void guest(int level, String line) {
        if (enabled(level)) {
            write(of(level), line);
        }
    }

    /** Why a call has failed. */
    void failed(String why) {
        write(Level.WARNING, "failed: " + why);
    }

    private void write(Level level, String line) {
        if (!room()) {
            counter.accept("dropped");
            return;
        }
        counter.accept("written");
        LOG.log(level, "function " + name + ": " + plain(line));
    }

    private synchronized boolean room() {
        long now = clock.nanoTime();
        if (now - spanNanos >= SPAN_NANOS) {
            spanNanos = now;
            lines = 0;
        }
        return ++lines <= MOST_LINES;
    }

    private static String plain(String line) {
        String cut = line.length() > MOST_CHARACTERS ? line.substring(0, MOST_CHARACTERS) + "…" : line;
        StringBuilder all = new StringBuilder(cut.length());
        cut.chars().forEach(c -> all.append(c < ' ' || c == DELETE ? '�' : (char) c));
        return all.toString();
    }

    /** A stream whose lines are the guest's, for one instance. */
    OutputStream stream() {
        return new OutputStream() {
            private final byte[] line = new byte[MOST_CHARACTERS];
            private int length;

            @Override
            public void write(int value) {
                if (value == '\n' || length == line.length) {
                    flush();
                }
                if (value != '\n') {
                    line[length++] = (byte) value;
                }
            }

            @Override
            public void flush() {
                if (length > 0) {
                    guest(0, new String(line, 0, length, StandardCharsets.UTF_8));
                    length = 0;
                }
            }
        };
    }
}

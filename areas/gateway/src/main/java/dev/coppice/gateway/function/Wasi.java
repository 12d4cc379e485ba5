package dev.coppice.gateway.function;

import com.dylibso.chicory.runtime.HostFunction;
import com.dylibso.chicory.runtime.Memory;
import com.dylibso.chicory.runtime.WasmFunctionHandle;
import com.dylibso.chicory.wasi.WasiOptions;
import com.dylibso.chicory.wasi.WasiPreview1;
import dev.coppice.kernel.Clock;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * WASI, preview 1, with nothing given: no files, no arguments, no environment, no sockets, and nothing to wait for. Time and randomness are the kernel's; what is
 * printed goes into the log.
 */
final class Wasi {
    static final String MODULE = "wasi_snapshot_preview1";
    private static final int SUCCESS = 0;
    private static final int BAD_FILE = 8;
    private static final int INVALID = 28;
    private static final int NOT_SUPPORTED = 58;
    private static final int REALTIME = 0;
    private static final int MONOTONIC = 1;
    private static final int STDOUT = 1;
    private static final int STDERR = 2;
    /** Bytes and parts that one call writes; guests write the rest by the next. */
    private static final int MOST_WRITTEN = 4000;

    private static final int MOST_PARTS = 16;
    private static final int PART_BYTES = 8;
    private static final long UNSIGNED = 0xFFFF_FFFFL;

    private Wasi() {}

    /** Its functions, for one instance. */
    static List<HostFunction> functions(Clock clock, Random random, FunctionLog log) {
        WasiPreview1 wasi = WasiPreview1.builder()
                .withOptions(WasiOptions.builder().withRandom(random).build())
                .build();
        OutputStream stdout = log.stream();
        OutputStream stderr = log.stream();
        List<HostFunction> all = new ArrayList<>();
        for (HostFunction each : wasi.toHostFunctions()) {
            all.add(
                    switch (each.name()) {
                        // The library's reads the machine's clock.
                        case "clock_time_get" ->
                            instead(each, (instance, a) -> {
                                Memory memory = instance.memory();
                                int which = (int) a[0];
                                if (which != REALTIME && which != MONOTONIC) {
                                    return new long[] {INVALID};
                                }
                                memory.writeLong((int) a[2], which == REALTIME ? nanos(clock.now()) : clock.nanoTime());
                                return new long[] {SUCCESS};
                            });
                        // The library's waits, for which there are no threads here.
                        case "poll_oneoff" -> instead(each, (_, _) -> new long[] {NOT_SUPPORTED});
                        // The library's do as much at once as they are told to.
                        case "fd_write" ->
                            instead(each, (instance, a) -> new long[] {
                                a[0] == STDOUT
                                        ? write(instance.memory(), stdout, a)
                                        : a[0] == STDERR ? write(instance.memory(), stderr, a) : BAD_FILE
                            });
                        case "fd_read" ->
                            instead(each, (instance, a) -> {
                                if (a[0] != 0) {
                                    return new long[] {BAD_FILE};
                                }
                                instance.memory().writeI32((int) a[3], 0);
                                return new long[] {SUCCESS};
                            });
                        default -> instead(each, each.handle());
                    });
        }
        return all;
    }

    private static HostFunction instead(HostFunction of, WasmFunctionHandle handle) {
        return new HostFunction(of.module(), of.name(), of.functionType(), (instance, a) -> {
            GuestFault.ifInterrupted();
            return handle.apply(instance, a);
        });
    }

    /** Writes what there is room for, and says how much. */
    private static int write(Memory memory, OutputStream to, long[] a) {
        long parts = Math.min(a[2] & UNSIGNED, MOST_PARTS);
        int written = 0;
        try {
            for (int i = 0; i < parts && written < MOST_WRITTEN; i++) {
                int part = (int) a[1] + i * PART_BYTES;
                int size = (int) Math.min(memory.readInt(part + Integer.BYTES) & UNSIGNED, MOST_WRITTEN - written);
                to.write(memory.readBytes(memory.readInt(part), size));
                written += size;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        memory.writeI32((int) a[3], written);
        return SUCCESS;
    }

    private static long nanos(Instant at) {
        return TimeUnit.SECONDS.toNanos(at.getEpochSecond()) + at.getNano();
    }
}

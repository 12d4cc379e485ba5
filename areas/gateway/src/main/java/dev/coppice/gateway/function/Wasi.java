package dev.coppice.gateway.function;

import com.dylibso.chicory.runtime.HostFunction;
import com.dylibso.chicory.runtime.Memory;
import com.dylibso.chicory.runtime.WasmFunctionHandle;
import com.dylibso.chicory.wasi.WasiOptions;
import com.dylibso.chicory.wasi.WasiPreview1;
import dev.coppice.kernel.Clock;
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
    private static final int INVALID = 28;
    private static final int NOT_SUPPORTED = 58;
    private static final int REALTIME = 0;
    private static final int MONOTONIC = 1;

    private Wasi() {}

    /** Its functions, for one instance. */
    static List<HostFunction> functions(Clock clock, Random random, FunctionLog log) {
        WasiPreview1 wasi = WasiPreview1.builder()
                .withOptions(WasiOptions.builder()
                        .withRandom(random)
                        .withStdout(log.stream())
                        .withStderr(log.stream())
                        .build())
                .build();
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
                        default -> each;
                    });
        }
        return all;
    }

    private static HostFunction instead(HostFunction of, WasmFunctionHandle handle) {
        return new HostFunction(of.module(), of.name(), of.functionType(), handle);
    }

    private static long nanos(Instant at) {
        return TimeUnit.SECONDS.toNanos(at.getEpochSecond()) + at.getNano();
    }
}

package dev.coppice.gateway.function;

import java.lang.ref.WeakReference;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

/** The modules that functions have, each read and compiled once whoever has it, and the bound of their bytes. Safe for use by many threads. */
public final class FunctionModules {
    private final long mostBytes;
    private final Executor compiler;
    private final Map<String, WeakReference<FunctionModule>> modules = new HashMap<>();
    private final AtomicInteger compiling = new AtomicInteger();

    /**
     * There are none.
     *
     * @param mostBytes of all modules; read and compiled, each takes a hundred times as much
     * @param compiler where they are compiled
     */
    public FunctionModules(long mostBytes, Executor compiler) {
        this.mostBytes = mostBytes;
        this.compiler = compiler;
    }

    /** The module that some bytes are. */
    public synchronized FunctionModule of(byte[] bytes) throws InvalidModuleException {
        modules.values().removeIf(each -> each.get() == null);
        String digest = digest(bytes);
        WeakReference<FunctionModule> known = modules.get(digest);
        FunctionModule module = known == null ? null : known.get();
        if (module != null) {
            String fault = module.fault();
            if (fault != null) {
                throw new InvalidModuleException(fault);
            }
            return module;
        }
        if (bytes() + bytes.length > mostBytes) {
            throw new InvalidModuleException("the modules of all functions would have " + (bytes() + bytes.length)
                    + " bytes; the heap of this gateway has room for " + mostBytes);
        }
        FunctionModule made = FunctionModule.read(bytes);
        compiling.incrementAndGet();
        try {
            compiler.execute(() -> {
                try {
                    made.compile();
                } finally {
                    compiling.decrementAndGet();
                }
            });
        } catch (RejectedExecutionException e) {
            compiling.decrementAndGet();
            throw new InvalidModuleException("too many modules wait to be compiled");
        }
        modules.put(digest, new WeakReference<>(made));
        return made;
    }

    /** Modules that are or wait to be compiled. */
    public int compiling() {
        return compiling.get();
    }

    /** Bytes of the modules that somebody has. */
    public synchronized long bytes() {
        long all = 0;
        for (WeakReference<FunctionModule> each : modules.values()) {
            FunctionModule module = each.get();
            all += module == null ? 0 : module.bytes();
        }
        return all;
    }

    private static String digest(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}

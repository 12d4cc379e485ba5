package dev.coppice.gateway.function;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * The modules that functions have, each read and compiled once whoever has it, one after the other and away from who asks, and the bound of their bytes: each counts from
 * when it is to be read until nobody refers to it. Safe for use by many threads.
 */
public final class FunctionModules {
    private static final System.Logger LOG = System.getLogger(FunctionModules.class.getName());

    /** For modules that are in no other's bounds. */
    static final FunctionModules NONE = new FunctionModules(0, Runnable::run, () -> {});

    private final long mostBytes;
    private final Executor compiler;
    private final Runnable changed;

    // Guarded by this.
    private final Map<String, SharedModule> modules = new HashMap<>();
    /** In the order in which they came; as many as functions at most. */
    private final Set<SharedModule> withoutRoom = new LinkedHashSet<>();

    private final Deque<SharedModule> toLoad = new ArrayDeque<>();
    private long bytes;
    /** The compiler has a task. */
    private boolean busy;
    /** Modules that it has at this moment. */
    private int reading;

    /**
     * There are none.
     *
     * @param mostBytes of all modules; read and compiled, each takes a hundred times as much
     * @param compiler where they are read and compiled; it gets one task at a time
     * @param changed runs, on any thread, when more is known of one than was when somebody asked for it
     */
    public FunctionModules(long mostBytes, Executor compiler, Runnable changed) {
        this.mostBytes = mostBytes;
        this.compiler = compiler;
        this.changed = changed;
    }

    /** The module that some bytes are, which is not read here; a reference of it is the caller's. */
    public SharedModule of(byte[] content) {
        String digest = digest(content);
        SharedModule module;
        synchronized (this) {
            SharedModule known = modules.get(digest);
            if (known != null) {
                known.references++;
                return known;
            }
            module = new SharedModule(this, digest, content);
            modules.put(digest, module);
            withoutRoom.add(module);
            boolean _ = giveRoom();
        }
        loadNext();
        return module;
    }

    /** Gives room to those that wait for it, the first that it is enough for first; whether any got it that had to be told before that there was none. */
    private boolean giveRoom() {
        boolean news = false;
        for (Iterator<SharedModule> all = withoutRoom.iterator(); all.hasNext(); ) {
            SharedModule each = all.next();
            if (bytes + each.size <= mostBytes) {
                news |= each.state == SharedModule.State.NO_ROOM;
                bytes += each.size;
                each.counted = true;
                each.state = SharedModule.State.LOADING;
                each.problem = null;
                toLoad.add(each);
                all.remove();
            } else {
                each.state = SharedModule.State.NO_ROOM;
                each.problem = "the modules of all functions would have " + (bytes + each.size)
                        + " bytes; the heap of this gateway has room for " + mostBytes
                        + ": delete functions, or give it a larger heap; it is tried again once there is room";
            }
        }
        return news;
    }

    private void loadNext() {
        synchronized (this) {
            if (busy || toLoad.isEmpty()) {
                return;
            }
            busy = true;
        }
        compiler.execute(this::load);
    }

    private void load() {
        SharedModule module;
        byte @Nullable [] content;
        synchronized (this) {
            module = toLoad.poll();
            content = module == null ? null : module.bytes;
            if (module != null) {
                module.loading = true;
                reading = 1;
            }
        }
        @Nullable FunctionModule made = null;
        String problem = "the module could not be read or compiled: see the log of the gateway";
        try {
            if (content != null) {
                FunctionModule read = FunctionModule.read(content);
                read.compile();
                made = read;
                problem = read.fault() == null ? "" : read.fault();
            }
        } catch (InvalidModuleException e) {
            problem = String.valueOf(e.getMessage());
        } finally {
            if (module != null) {
                loaded(module, problem.isEmpty() ? made : null, problem);
            }
            synchronized (this) {
                busy = false;
                reading = 0;
            }
            loadNext();
        }
    }

    private void loaded(SharedModule module, @Nullable FunctionModule made, String problem) {
        List<Runnable> all;
        synchronized (this) {
            module.loading = false;
            module.bytes = null;
            if (made == null) {
                module.state = SharedModule.State.INVALID;
                module.problem = problem;
                // Nothing was kept of it.
                uncount(module);
            } else {
                module.state = SharedModule.State.RUNS;
                module.module = made;
            }
            if (module.references == 0) {
                forget(module);
            }
            boolean _ = giveRoom();
            all = new ArrayList<>(module.waiting);
            module.waiting.clear();
        }
        if (made == null) {
            LOG.log(System.Logger.Level.WARNING, "a module of a function is not run: " + problem);
        }
        all.forEach(Runnable::run);
        changed.run();
    }

    void release(SharedModule module) {
        boolean news;
        synchronized (this) {
            module.references--;
            if (module.references > 0 || module.loading) {
                return;
            }
            forget(module);
            news = giveRoom();
        }
        loadNext();
        if (news) {
            changed.run();
        }
    }

    /** Nobody has it. */
    private void forget(SharedModule module) {
        module.state = SharedModule.State.GONE;
        module.module = null;
        module.bytes = null;
        module.waiting.clear();
        uncount(module);
        modules.remove(module.digest);
        withoutRoom.remove(module);
        toLoad.remove(module);
    }

    private void uncount(SharedModule module) {
        if (module.counted) {
            module.counted = false;
            bytes -= module.size;
        }
    }

    /** Modules that are read and compiled, or wait for that. */
    public synchronized int loading() {
        return toLoad.size() + reading;
    }

    /** Modules for which there is no room. */
    public synchronized int withoutRoom() {
        return withoutRoom.size();
    }

    /** Bytes of the modules that are loaded, or being so, and that somebody has. */
    public synchronized long bytes() {
        return bytes;
    }

    private static String digest(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }
}

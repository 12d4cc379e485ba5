package dev.coppice.gateway.function;

import com.dylibso.chicory.compiler.InterpreterFallback;
import com.dylibso.chicory.compiler.MachineFactoryCompiler;
import com.dylibso.chicory.runtime.Instance;
import com.dylibso.chicory.runtime.Machine;
import com.dylibso.chicory.runtime.Memory;
import com.dylibso.chicory.wasm.Parser;
import com.dylibso.chicory.wasm.WasmModule;
import com.dylibso.chicory.wasm.types.Export;
import com.dylibso.chicory.wasm.types.ExternalType;
import com.dylibso.chicory.wasm.types.FunctionBody;
import com.dylibso.chicory.wasm.types.FunctionImport;
import com.dylibso.chicory.wasm.types.FunctionType;
import com.dylibso.chicory.wasm.types.Import;
import com.dylibso.chicory.wasm.types.Instruction;
import com.dylibso.chicory.wasm.types.MemoryLimits;
import com.dylibso.chicory.wasm.types.OpCode;
import com.dylibso.chicory.wasm.types.TableLimits;
import com.dylibso.chicory.wasm.types.ValType;
import dev.coppice.kernel.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A module that speaks the handler ABI, read and checked, and shared by all its instances. It runs once it is {@linkplain #compile compiled}. What may
 * stand in it is WebAssembly 2.0 without vectors: all else (garbage collection, exceptions, threads) could take memory or time past the bounds. Safe for use by
 * many threads.
 */
public final class FunctionModule {
    /** A module's size. */
    public static final int MOST_BYTES = 1 << 20;

    private static final int MOST_TABLES = 16;
    /** Elements of all tables at the beginning. */
    private static final long MOST_ELEMENTS = 65_536;
    /** To which tables may grow that are smaller. */
    private static final long MOST_GROWN = 1024;

    private static final int MOST_GLOBALS = 5000;
    private static final int ELEMENT_BYTES = 12;
    private static final int GLOBAL_BYTES = 64;
    /** What an instance has besides. */
    private static final int INSTANCE_BYTES = 32 << 10;

    private static final int MOST_NAMED = 10;
    private static final String HANDLE_REQUEST = "handle_request";
    private static final String HANDLE_RESPONSE = "handle_response";

    /** What a guest may import, by module and name. */
    private static final Map<String, FunctionType> HOST = host();

    private final WasmModule wasm;
    private final int bytes;
    private final int initialPages;
    private final int maximumPages;
    private final boolean usesBodies;
    private final boolean usesWasi;
    private final boolean seesAnswers;
    private volatile @Nullable Function<Instance, Machine> compiled;
    private volatile @Nullable String fault;

    private FunctionModule(WasmModule wasm, int bytes, MemoryLimits memory, Set<String> imported, boolean seesAnswers) {
        this.wasm = wasm;
        this.bytes = bytes;
        this.initialPages = memory.initialPages();
        this.maximumPages = memory.maximumPages();
        this.usesBodies =
                imported.contains(key(HandlerFunction.READ_BODY)) || imported.contains(key(HandlerFunction.WRITE_BODY));
        this.usesWasi = imported.stream().anyMatch(each -> each.startsWith(Wasi.MODULE + "."));
        this.seesAnswers = seesAnswers;
    }

    private static Map<String, FunctionType> host() {
        Map<String, FunctionType> all = new HashMap<>();
        for (HandlerFunction each : HandlerFunction.values()) {
            all.put(key(each), each.type());
        }
        Clock clock = Clock.system();
        // Asked for their types only.
        Wasi.functions(clock, Random.from(new SplittableRandom(0)), new FunctionLog("", clock, _ -> {}))
                .forEach(each -> all.put(key(each.module(), each.name()), each.functionType()));
        return Map.copyOf(all);
    }

    private static String key(HandlerFunction function) {
        return key(HandlerFunction.MODULE, function.word());
    }

    private static String key(String module, String name) {
        return module + "." + name;
    }

    // ---- reading

    /** Reads a module. */
    public static FunctionModule read(byte[] bytes) throws InvalidModuleException {
        if (bytes.length > MOST_BYTES) {
            throw new InvalidModuleException(
                    "the module has " + bytes.length + " bytes; expected " + MOST_BYTES + " at most");
        }
        String outline = ModuleOutline.problem(bytes);
        if (outline != null) {
            throw new InvalidModuleException("the module cannot be read: " + outline);
        }
        try {
            return checked(Parser.parse(bytes), bytes.length);
        } catch (RuntimeException | StackOverflowError e) {
            // Not all that is wrong with a module is found by the parser.
            throw new InvalidModuleException("the module cannot be read: " + e.getMessage());
        }
    }

    private static FunctionModule checked(WasmModule wasm, int bytes) throws InvalidModuleException {
        List<String> problems = new ArrayList<>();
        Set<String> imported = imports(wasm, problems);
        MemoryLimits memory = memory(wasm, problems);
        tablesAndGlobals(wasm, problems);
        exports(wasm, problems);
        instructions(wasm, problems);
        if (problems.isEmpty()) {
            String heights = OperandHeights.problem(wasm);
            if (heights != null) {
                problems.add(heights);
            }
        }
        if (memory == null || !problems.isEmpty()) {
            throw new InvalidModuleException(problems);
        }
        return new FunctionModule(wasm, bytes, memory, imported, !ignoresAnswers(wasm));
    }

    private static Set<String> imports(WasmModule wasm, List<String> problems) {
        Set<String> known = new HashSet<>();
        List<String> unknown = new ArrayList<>();
        for (int i = 0; i < wasm.importSection().importCount(); i++) {
            Import each = wasm.importSection().getImport(i);
            String key = key(each.module(), each.name());
            FunctionType type = HOST.get(key);
            if (!(each instanceof FunctionImport function) || type == null) {
                unknown.add(key);
            } else if (!wasm.typeSection().getType(function.typeIndex()).equals(type)) {
                problems.add("the module imports " + key + " as "
                        + wasm.typeSection().getType(function.typeIndex()) + "; expected " + type);
            } else {
                known.add(key);
            }
        }
        if (!unknown.isEmpty()) {
            problems.add("the module imports "
                    + String.join(", ", unknown.stream().limit(MOST_NAMED).toList())
                    + (unknown.size() > MOST_NAMED ? " and " + (unknown.size() - MOST_NAMED) + " more" : "")
                    + "; expected functions of " + HandlerFunction.MODULE + " and " + Wasi.MODULE + " only");
        }
        return known;
    }

    private static @Nullable MemoryLimits memory(WasmModule wasm, List<String> problems) {
        int count = wasm.memorySection().map(each -> each.memoryCount()).orElse(0);
        if (count != 1) {
            problems.add("the module has " + count + " memories of its own; expected one");
            return null;
        }
        MemoryLimits limits = wasm.memorySection().orElseThrow().getMemory(0).limits();
        if (limits.shared()) {
            problems.add("the module's memory is shared between threads, which there are none of");
        }
        return limits;
    }

    private static void tablesAndGlobals(WasmModule wasm, List<String> problems) {
        int count = wasm.tableSection().tableCount();
        long elements = 0;
        if (count > MOST_TABLES) {
            problems.add("the module has " + count + " tables; expected " + MOST_TABLES + " at most");
        }
        for (int i = 0; i < count; i++) {
            elements += wasm.tableSection().getTable(i).limits().min();
        }
        if (elements > MOST_ELEMENTS) {
            problems.add(
                    "the tables of the module have " + elements + " elements; expected " + MOST_ELEMENTS + " at most");
        }
        int globals = wasm.globalSection().globalCount();
        if (globals > MOST_GLOBALS) {
            problems.add("the module has " + globals + " globals; expected " + MOST_GLOBALS + " at most");
        }
    }

    /** Elements to which a table may grow. */
    static long mostElements(TableLimits limits) {
        return Math.min(limits.max(), Math.max(limits.min(), MOST_GROWN));
    }

    /** Bytes that an instance takes besides its memory, at most. */
    long overhead() {
        long elements = 0;
        for (int i = 0; i < wasm.tableSection().tableCount(); i++) {
            elements += mostElements(wasm.tableSection().getTable(i).limits());
        }
        return INSTANCE_BYTES
                + elements * ELEMENT_BYTES
                + (long) wasm.globalSection().globalCount() * GLOBAL_BYTES;
    }

    private static void exports(WasmModule wasm, List<String> problems) {
        boolean memory = false;
        FunctionType request = null;
        FunctionType response = null;
        for (int i = 0; i < wasm.exportSection().exportCount(); i++) {
            Export each = wasm.exportSection().getExport(i);
            if (each.exportType() == ExternalType.MEMORY) {
                memory |= each.name().equals("memory");
            } else if (each.exportType() == ExternalType.FUNCTION) {
                if (each.name().equals(HANDLE_REQUEST)) {
                    request = type(wasm, each.index());
                } else if (each.name().equals(HANDLE_RESPONSE)) {
                    response = type(wasm, each.index());
                }
            }
        }
        if (!memory) {
            problems.add("the module does not export its memory as \"memory\"");
        }
        expect(HANDLE_REQUEST, request, FunctionType.of(List.of(), List.of(ValType.I64)), problems);
        expect(HANDLE_RESPONSE, response, FunctionType.of(List.of(ValType.I32, ValType.I32), List.of()), problems);
    }

    private static void expect(
            String name, @Nullable FunctionType found, FunctionType expected, List<String> problems) {
        if (found == null || !expected.equals(found)) {
            problems.add(
                    found == null
                            ? "the module exports no function " + name + " " + expected
                            : "the module exports " + name + " as " + found + "; expected " + expected);
        }
    }

    private static int importedFunctions(WasmModule wasm) {
        return wasm.importSection().count(ExternalType.FUNCTION);
    }

    private static FunctionType type(WasmModule wasm, int index) {
        int own = index - importedFunctions(wasm);
        if (own >= 0) {
            return wasm.functionSection().getFunctionType(own, wasm.typeSection());
        }
        int at = 0;
        for (int i = 0; i < wasm.importSection().importCount(); i++) {
            if (wasm.importSection().getImport(i) instanceof FunctionImport each && at++ == index) {
                return wasm.typeSection().getType(each.typeIndex());
            }
        }
        throw new IllegalStateException("no function " + index);
    }

    private static void instructions(WasmModule wasm, List<String> problems) {
        Set<OpCode> foreign = new HashSet<>();
        for (FunctionBody body : wasm.codeSection().functionBodies()) {
            for (Instruction each : body.instructions()) {
                if (!plain(each.opcode().opcode())) {
                    foreign.add(each.opcode());
                }
            }
        }
        if (!foreign.isEmpty()) {
            problems.add("the module has instructions that are not of WebAssembly 2.0, or vectors: "
                    + String.join(
                            ", ",
                            foreign.stream()
                                    .map(OpCode::name)
                                    .sorted()
                                    .limit(MOST_NAMED)
                                    .toList()));
        }
    }

    /** Whether an instruction is one of WebAssembly 2.0 without vectors (5.4 of its specification). */
    private static boolean plain(int opcode) {
        if (opcode > 0xFF) {
            return opcode >= 0xFC00 && opcode <= 0xFC11;
        }
        return opcode <= 0x05
                || opcode >= 0x0B && opcode <= 0x11
                || opcode >= 0x1A && opcode <= 0x1C
                || opcode >= 0x20 && opcode <= 0xC4
                || opcode >= 0xD0 && opcode <= 0xD2;
    }

    /** Whether what it does with answers is nothing: then no instance has to wait for one. */
    private static boolean ignoresAnswers(WasmModule wasm) {
        for (int i = 0; i < wasm.exportSection().exportCount(); i++) {
            Export each = wasm.exportSection().getExport(i);
            if (each.exportType() == ExternalType.FUNCTION && each.name().equals(HANDLE_RESPONSE)) {
                int own = each.index() - importedFunctions(wasm);
                return own >= 0
                        && wasm.codeSection().getFunctionBody(own).instructions().stream()
                                .allMatch(it -> it.opcode() == OpCode.END
                                        || it.opcode() == OpCode.NOP
                                        || it.opcode() == OpCode.RETURN);
            }
        }
        return false;
    }

    // ---- what it is

    WasmModule wasm() {
        return wasm;
    }

    /** Its size. */
    public int bytes() {
        return bytes;
    }

    /** Bytes of memory that each instance begins with. */
    public long initialMemory() {
        return (long) initialPages * Memory.PAGE_SIZE;
    }

    /** How large the memory of an instance may be that is to have so many bytes at most. */
    MemoryLimits limits(long mostBytes) {
        return new MemoryLimits(initialPages, (int) Math.min(maximumPages, mostBytes / Memory.PAGE_SIZE));
    }

    /** Whether it can read or write bodies. */
    boolean usesBodies() {
        return usesBodies;
    }

    /** Whether it wants anything of WASI, which takes longer to make than all else of an instance. */
    boolean usesWasi() {
        return usesWasi;
    }

    /** Whether it does anything with answers. */
    boolean seesAnswers() {
        return seesAnswers;
    }

    // ---- compiling

    /**
     * Compiles it to bytecode of the JVM, which takes seconds for large ones. A module with functions that are too large for a method of the JVM is never run: the
     * interpreter would not see that it is interrupted at all branches.
     */
    public void compile() {
        try {
            compiled = MachineFactoryCompiler.builder(wasm)
                    .withInterpreterFallback(InterpreterFallback.FAIL)
                    .compile();
        } catch (RuntimeException | LinkageError | StackOverflowError | OutOfMemoryError e) {
            fault = "the module cannot be compiled: " + e.getMessage();
        }
    }

    /** Whether it can be run. */
    public boolean runs() {
        return compiled != null;
    }

    /** Why it cannot be compiled; null: it can be, or nobody has tried yet. */
    @Nullable
    String fault() {
        return fault;
    }

    /** What runs it; null: it is not compiled. */
    @Nullable
    Function<Instance, Machine> compiled() {
        return compiled;
    }
}

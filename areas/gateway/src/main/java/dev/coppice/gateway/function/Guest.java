package dev.coppice.gateway.function;

import com.dylibso.chicory.runtime.ExportFunction;
import com.dylibso.chicory.runtime.HostFunction;
import com.dylibso.chicory.runtime.ImportFunction;
import com.dylibso.chicory.runtime.ImportValues;
import com.dylibso.chicory.runtime.Instance;
import com.dylibso.chicory.runtime.Memory;
import com.dylibso.chicory.runtime.TableInstance;
import com.dylibso.chicory.wasi.WasiExitException;
import com.dylibso.chicory.wasm.types.ExternalType;
import com.dylibso.chicory.wasm.types.Table;
import com.dylibso.chicory.wasm.types.TableLimits;
import dev.coppice.gateway.filter.HeaderField;
import dev.coppice.gateway.function.FunctionException.Reason;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** An instance of a module: its memory, and what it may call. It handles one request at a time; used by one thread at a time. */
final class Guest {
    private static final long[] NOTHING = {};
    /** Between two calls; what the last one had is let go. */
    private static final Turn NONE = Turn.start();

    private static final long UNSIGNED = 0xFFFF_FFFFL;
    private static final int UPPER = 32;
    private static final int ANSWER = 1;
    private static final int REQUEST_TRAILERS = 2;
    private static final int ANSWER_TRAILERS = 3;
    private static final String START = "_start";
    private static final String INITIALIZE = "_initialize";

    private final FunctionSettings settings;
    private final FunctionLog log;
    private final Instance instance;
    private final ExportFunction handleRequest;
    private final ExportFunction handleResponse;
    private final int features;
    private final long overhead;
    private final boolean seesAnswers;
    private Turn turn = NONE;

    /** When it was last used. */
    long usedNanos;
    /** Bytes of memory that are counted for it. */
    long counted;

    /** Makes one, and has it start. */
    Guest(FunctionModule module, FunctionSettings settings, List<HostFunction> wasi, FunctionLog log)
            throws FunctionException {
        this.settings = settings;
        this.log = log;
        this.overhead = module.overhead();
        this.seesAnswers = module.seesAnswers();
        Turn starting = Turn.start();
        this.turn = starting;
        Instance.Builder builder = Instance.builder(module.wasm())
                .withImportValues(imports(wasi))
                .withMemoryFactory(GuardedMemory::new)
                .withMemoryLimits(module.limits(settings.maxMemoryBytes()))
                .withTableFactory(Guest::table)
                .withMachineFactory(Objects.requireNonNull(module.compiled()))
                .withStart(false);
        Instance made = guarded(builder::build);
        if (made == null) {
            throw ended();
        }
        this.instance = made;
        this.handleRequest = instance.export("handle_request");
        this.handleResponse = instance.export("handle_response");
        String start = exports(module, START) ? START : exports(module, INITIALIZE) ? INITIALIZE : null;
        if (start != null) {
            ExportFunction exported = instance.export(start);
            long[] _ = guarded(exported::apply);
        }
        this.features = starting.features();
        this.turn = NONE;
    }

    private static boolean exports(FunctionModule module, String name) {
        for (int i = 0; i < module.wasm().exportSection().exportCount(); i++) {
            if (module.wasm().exportSection().getExport(i).exportType() == ExternalType.FUNCTION
                    && module.wasm().exportSection().getExport(i).name().equals(name)) {
                return true;
            }
        }
        return false;
    }

    private static TableInstance table(Table table, int value) {
        TableLimits limits = table.limits();
        return new TableInstance(
                new Table(
                        table.elementType(),
                        new TableLimits(limits.min(), FunctionModule.mostElements(limits)),
                        table.initialize()),
                value) {
            @Override
            public void setRef(int index, int to, Instance of) {
                // Filling and copying ends with the call, as in memory.
                GuestFault.ifInterrupted();
                super.setRef(index, to, of);
            }
        };
    }

    private ImportValues imports(List<HostFunction> wasi) {
        List<ImportFunction> all = new ArrayList<>(wasi);
        for (HandlerFunction each : HandlerFunction.values()) {
            all.add(new HostFunction(HandlerFunction.MODULE, each.word(), each.type(), (in, a) -> {
                GuestFault.ifInterrupted();
                return host(each, in.memory(), a);
            }));
        }
        return ImportValues.builder().withFunctions(all).build();
    }

    // ---- calls

    /** Features that it has asked for when it started. */
    int features() {
        return features;
    }

    /** Whether it does anything with answers. */
    boolean seesAnswers() {
        return seesAnswers;
    }

    /** Bytes that it has. */
    long memory() {
        return (long) instance.memory().pages() * Memory.PAGE_SIZE + overhead;
    }

    /** Its word on a request: the context in the upper half, and whether to go on in the lower. */
    long handleRequest(Turn with) throws FunctionException {
        turn = with;
        try {
            long[] word = guarded(handleRequest::apply);
            if (word == null) {
                throw ended();
            }
            return word[0];
        } finally {
            turn = NONE;
        }
    }

    void handleResponse(Turn with, int context, boolean error) throws FunctionException {
        turn = with;
        try {
            long[] _ = guarded(() -> handleResponse.apply(context, error ? 1 : 0));
        } finally {
            turn = NONE;
        }
    }

    private static FunctionException ended() {
        return new FunctionException(Reason.FAILED, "it has ended itself");
    }

    /** Whatever a guest does ends here; null: it has ended itself, and all is well. */
    private static <T> @Nullable T guarded(Supplier<T> call) throws FunctionException {
        try {
            return call.get();
        } catch (GuestFault e) {
            throw e.exception();
        } catch (BodyNeededFault e) {
            throw e;
        } catch (WasiExitException e) {
            if (e.exitCode() == 0) {
                return null;
            }
            throw new FunctionException(Reason.FAILED, "it has ended itself with code " + e.exitCode());
        } catch (StackOverflowError e) {
            throw new FunctionException(Reason.FAILED, "its calls are nested too deeply");
        } catch (OutOfMemoryError e) {
            throw new FunctionException(Reason.FAILED, "there is no memory left");
        } catch (RuntimeException e) {
            throw Thread.currentThread().isInterrupted()
                    ? new FunctionException(Reason.INTERRUPTED, "it was interrupted")
                    : new FunctionException(Reason.FAILED, String.valueOf(e.getMessage()));
        }
    }

    // ---- what it calls

    private long[] host(HandlerFunction function, Memory memory, long[] a) {
        return switch (function) {
            case ENABLE_FEATURES -> one(turn.enable((int) a[0]));
            case GET_CONFIG -> text(memory, settings.config(), a[0], a[1]);
            case LOG -> {
                if (FunctionLog.enabled((int) a[0])) {
                    int most = (int) Math.min(a[2] & UNSIGNED, FunctionLog.MOST_CHARACTERS * 4L);
                    log.guest((int) a[0], new String(read(memory, a[1], most, most, ""), StandardCharsets.UTF_8));
                }
                yield NOTHING;
            }
            case LOG_ENABLED -> one(FunctionLog.enabled((int) a[0]) ? 1 : 0);
            case GET_METHOD -> text(memory, turn.request().head().method(), a[0], a[1]);
            case SET_METHOD ->
                throw new GuestFault("it calls set_method: the method of a request cannot be changed here");
            case GET_URI -> text(memory, turn.uri(), a[0], a[1]);
            case SET_URI -> {
                turn.uri(string(memory, a[0], a[1], Turn.MOST_URI, "a URI"));
                yield NOTHING;
            }
            case GET_PROTOCOL_VERSION -> text(memory, turn.request().protocol(), a[0], a[1]);
            case GET_SOURCE_ADDR -> text(memory, turn.request().source(), a[0], a[1]);
            case GET_HEADER_NAMES -> {
                int kind = kind(a[0], ANSWER_TRAILERS);
                yield texts(memory, kind >= REQUEST_TRAILERS ? List.of() : turn.names(kind == ANSWER), a[1], a[2]);
            }
            case GET_HEADER_VALUES -> {
                int kind = kind(a[0], ANSWER_TRAILERS);
                String name = name(memory, a[1], a[2]);
                yield texts(
                        memory, kind >= REQUEST_TRAILERS ? List.of() : turn.values(kind == ANSWER, name), a[3], a[4]);
            }
            case SET_HEADER_VALUE -> {
                changing(a[0]).set(name(memory, a[1], a[2]), value(memory, a[3], a[4]));
                yield NOTHING;
            }
            case ADD_HEADER_VALUE -> {
                changing(a[0]).add(name(memory, a[1], a[2]), value(memory, a[3], a[4]));
                yield NOTHING;
            }
            case REMOVE_HEADER -> {
                changing(a[0]).remove(name(memory, a[1], a[2]));
                yield NOTHING;
            }
            case READ_BODY -> readBody(memory, turn.reading(kind(a[0], ANSWER) == ANSWER), a[1], a[2]);
            case WRITE_BODY -> {
                Body body = turn.writing(kind(a[0], ANSWER) == ANSWER);
                body.write(read(memory, a[1], a[2], body.room(), body.full()));
                yield NOTHING;
            }
            case GET_STATUS_CODE -> one(turn.status());
            case SET_STATUS_CODE -> {
                turn.status((int) a[0]);
                yield NOTHING;
            }
        };
    }

    private static long[] one(long value) {
        return new long[] {value};
    }

    private static int kind(long kind, int most) {
        int which = (int) kind;
        if (which < 0 || which > most) {
            throw new GuestFault("it gives the kind " + which + "; expected one from 0 to " + most);
        }
        return which;
    }

    private HeaderList changing(long kind) {
        int which = kind(kind, ANSWER_TRAILERS);
        if (which >= REQUEST_TRAILERS) {
            throw new GuestFault("it changes trailers, which are not there (enable_features says so)");
        }
        return turn.changing(which == ANSWER);
    }

    private static long[] readBody(Memory memory, Body body, long at, long size) {
        int room = (int) Math.min(size & UNSIGNED, Integer.MAX_VALUE);
        if (room == 0) {
            throw new GuestFault("it calls read_body with no room (buf_limit = 0)");
        }
        int bytes = body.next(room);
        within(memory, at, bytes);
        memory.write((int) at, body.bytes(), body.take(bytes), bytes);
        // Who reads exactly what there is finds the end the next time.
        return one((bytes < room ? 1L << UPPER : 0) | bytes);
    }

    // ---- its memory

    private static void within(Memory memory, long at, long size) {
        long from = at & UNSIGNED;
        if (from + size > (long) memory.pages() * Memory.PAGE_SIZE) {
            throw new GuestFault(size + " bytes at " + from + " are not within its memory");
        }
    }

    /** Some bytes, of which no more than there may be are copied. */
    private static byte[] read(Memory memory, long at, long size, int most, String fault) {
        long bytes = size & UNSIGNED;
        if (bytes > most) {
            throw new GuestFault(fault);
        }
        within(memory, at, bytes);
        return memory.readBytes((int) at, (int) bytes);
    }

    /** Text of HTTP; what is no ASCII in it is refused where it is used. */
    private static String string(Memory memory, long at, long size, int most, String what) {
        return new String(
                read(memory, at, size, most, "it gives " + what + " of more than " + most + " bytes"),
                StandardCharsets.ISO_8859_1);
    }

    private static String name(Memory memory, long at, long size) {
        if ((size & UNSIGNED) == 0) {
            throw new GuestFault("it gives no name of a header");
        }
        return string(memory, at, size, HeaderField.MOST_NAME, "the name of a header");
    }

    private static String value(Memory memory, long at, long size) {
        return string(memory, at, size, HeaderField.MOST_VALUE, "the value of a header");
    }

    private static long[] text(Memory memory, String text, long at, long limit) {
        return text(memory, text.getBytes(StandardCharsets.ISO_8859_1), at, limit);
    }

    /** Writes a value, if it fits, and says how long it is. */
    private static long[] text(Memory memory, byte[] bytes, long at, long limit) {
        if (bytes.length > 0 && bytes.length <= (limit & UNSIGNED)) {
            within(memory, at, bytes.length);
            memory.write((int) at, bytes, 0, bytes.length);
        }
        return one(bytes.length);
    }

    /** Writes values, each with a NUL behind it, if they fit, and says how many and how long they are. */
    private static long[] texts(Memory memory, List<String> all, long at, long limit) {
        int size = 0;
        for (String each : all) {
            size += each.length() + 1;
        }
        if (size > 0 && size <= (limit & UNSIGNED)) {
            within(memory, at, size);
            byte[] bytes = new byte[size];
            int to = 0;
            for (String each : all) {
                byte[] one = each.getBytes(StandardCharsets.ISO_8859_1);
                System.arraycopy(one, 0, bytes, to, one.length);
                to += one.length + 1;
            }
            memory.write((int) at, bytes, 0, size);
        }
        return one((long) all.size() << UPPER | size);
    }
}

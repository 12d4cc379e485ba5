package dev.coppice.gateway.function;

import org.jspecify.annotations.Nullable;

/**
 * Looks over a module before it is parsed, for what takes few bytes there and much memory or time here: five bytes can declare 50,000 local variables, and three
 * open a block whose type has thousands of parameters to be checked. What takes much to be compiled is found later ({@link OperandHeights}).
 *
 * <p>WebAssembly Core Specification 2.0, 5.5.
 */
final class ModuleOutline {
    private static final int HEADER = 8;
    private static final int TYPES = 1;
    private static final int CODE = 10;
    private static final int FUNCTION = 0x60;
    private static final int MOST_PARAMETERS = 64;
    private static final int MOST_RESULTS = 16;
    private static final long MOST_LOCALS = 500_000;
    private static final int LAST_SHIFT = 28;

    private final byte[] bytes;
    private int at;

    private ModuleOutline(byte[] bytes, int at) {
        this.bytes = bytes;
        this.at = at;
    }

    /** What is wrong with it; null when nothing is, which says nothing of what is not looked at. */
    static @Nullable String problem(byte[] bytes) {
        if (bytes.length < HEADER
                || bytes[0] != 0
                || bytes[1] != 'a'
                || bytes[2] != 's'
                || bytes[3] != 'm'
                || bytes[4] != 1
                || bytes[5] != 0
                || bytes[6] != 0
                || bytes[7] != 0) {
            return "it does not begin as a module of WebAssembly 1.0 does (expected 00 61 73 6d 01 00 00 00)";
        }
        try {
            return new ModuleOutline(bytes, HEADER).problem();
        } catch (IndexOutOfBoundsException e) {
            return "it ends too early";
        }
    }

    private @Nullable String problem() {
        long locals = 0;
        while (at < bytes.length) {
            int section = bytes[at++];
            int end = end(number());
            if (section == TYPES) {
                String types = types();
                if (types != null) {
                    return types;
                }
            } else if (section == CODE) {
                locals += inFunctions();
            }
            at = end;
        }
        return locals > MOST_LOCALS
                ? "its functions have " + locals + " local variables; expected " + MOST_LOCALS + " at most"
                : null;
    }

    private @Nullable String types() {
        long types = number();
        for (long i = 0; i < types; i++) {
            if (bytes[at++] != FUNCTION) {
                return "type " + i + " is none of a function, and so not of WebAssembly 2.0";
            }
            long parameters = number();
            at = end(parameters);
            long results = number();
            at = end(results);
            if (parameters > MOST_PARAMETERS || results > MOST_RESULTS) {
                return "type " + i + " has " + parameters + " parameters and " + results + " results; expected "
                        + MOST_PARAMETERS + " and " + MOST_RESULTS + " at most";
            }
        }
        return null;
    }

    private long inFunctions() {
        long all = 0;
        long functions = number();
        for (long i = 0; i < functions; i++) {
            int end = end(number());
            long groups = number();
            for (long group = 0; group < groups; group++) {
                all += number();
                // Types of more than one byte are of no version of WebAssembly that is taken here, and refused later.
                at++;
            }
            at = end;
        }
        return all;
    }

    /** Where something of so many bytes ends. */
    private int end(long size) {
        if (size > bytes.length - at) {
            throw new IndexOutOfBoundsException();
        }
        return (int) (at + size);
    }

    /** An unsigned number of 32 bits in LEB128. */
    private long number() {
        long value = 0;
        for (int shift = 0; shift <= LAST_SHIFT; shift += 7) {
            int next = bytes[at++];
            value |= (next & 0x7FL) << shift;
            if (next >= 0) {
                return value;
            }
        }
        throw new IndexOutOfBoundsException();
    }
}

package dev.coppice.gateway.function;

import com.dylibso.chicory.wasm.WasmModule;
import com.dylibso.chicory.wasm.types.AnnotatedInstruction;
import com.dylibso.chicory.wasm.types.ExternalType;
import com.dylibso.chicory.wasm.types.FunctionBody;
import com.dylibso.chicory.wasm.types.FunctionImport;
import com.dylibso.chicory.wasm.types.FunctionType;
import com.dylibso.chicory.wasm.types.OpCode;
import com.dylibso.chicory.wasm.types.ValType;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How many operands lie on the stack in the functions of a valid module. The compiler notes each of them at each branch and block, so that a few bytes for each
 * could take gigabytes.
 *
 * <p>WebAssembly Core Specification 2.0, 3.3.
 */
final class OperandHeights {
    /** Operands at one time. */
    private static final int MOST = 1000;
    /** Operands at all branches and blocks of a module. */
    private static final long MOST_NOTED = 4_000_000;

    private static final int EMPTY_BLOCK = 0x40;

    /** An open block: operands below it, what it begins with, and what it leaves. */
    private record Open(int below, int parameters, int results) {}

    private final WasmModule wasm;
    private final List<FunctionType> functions = new ArrayList<>();
    private long noted;

    private OperandHeights(WasmModule wasm) {
        this.wasm = wasm;
        for (int i = 0; i < wasm.importSection().importCount(); i++) {
            if (wasm.importSection().getImport(i) instanceof FunctionImport each) {
                functions.add(wasm.typeSection().getType(each.typeIndex()));
            }
        }
        for (int i = 0; i < wasm.functionSection().functionCount(); i++) {
            functions.add(wasm.functionSection().getFunctionType(i, wasm.typeSection()));
        }
    }

    /** What is wrong with them; null when nothing is. */
    static @Nullable String problem(WasmModule wasm) {
        OperandHeights heights = new OperandHeights(wasm);
        int imported = wasm.importSection().count(ExternalType.FUNCTION);
        for (int i = 0; i < wasm.codeSection().functionBodyCount(); i++) {
            int highest = heights.highest(wasm.codeSection().getFunctionBody(i));
            if (highest > MOST) {
                return "function " + (imported + i) + " of the module has " + highest
                        + " operands at one time; expected " + MOST + " at most";
            }
            if (heights.noted > MOST_NOTED) {
                return "the functions of the module have more than " + MOST_NOTED
                        + " operands at all their branches and blocks; expected simpler ones";
            }
        }
        return null;
    }

    private int highest(FunctionBody body) {
        Deque<Open> open = new ArrayDeque<>();
        int height = 0;
        int highest = 0;
        // Blocks that are open in code that is never reached; -1: this is reached.
        int dead = -1;
        for (AnnotatedInstruction each : body.instructions()) {
            OpCode opcode = each.opcode();
            boolean opens = opcode == OpCode.BLOCK || opcode == OpCode.LOOP || opcode == OpCode.IF;
            if (dead > 0 || dead == 0 && opcode != OpCode.END && opcode != OpCode.ELSE) {
                dead += opens ? 1 : opcode == OpCode.END ? -1 : 0;
                continue;
            }
            dead = -1;
            if (opens) {
                FunctionType type = block(each.operand(0));
                int below =
                        height - (opcode == OpCode.IF ? 1 : 0) - type.params().size();
                open.push(new Open(below, type.params().size(), type.returns().size()));
                height = below + type.params().size();
                noted += height;
            } else if (opcode == OpCode.ELSE) {
                Open one = open.element();
                height = one.below + one.parameters;
            } else if (opcode == OpCode.END) {
                @Nullable Open one = open.poll();
                height = one == null ? height : one.below + one.results;
            } else if (opcode == OpCode.BR || opcode == OpCode.RETURN || opcode == OpCode.UNREACHABLE) {
                noted += height;
                dead = 0;
            } else if (opcode == OpCode.BR_TABLE) {
                noted += (long) height * new HashSet<>(each.labelTable()).size();
                dead = 0;
            } else if (opcode == OpCode.CALL) {
                FunctionType type = functions.get((int) each.operand(0));
                height += type.returns().size() - type.params().size();
            } else if (opcode == OpCode.CALL_INDIRECT) {
                FunctionType type = wasm.typeSection().getType((int) each.operand(0));
                height += type.returns().size() - type.params().size() - 1;
            } else {
                height += change(opcode.opcode());
                noted += opcode == OpCode.BR_IF ? height : 0;
            }
            highest = Math.max(highest, height);
        }
        return highest;
    }

    private FunctionType block(long type) {
        return type == EMPTY_BLOCK
                ? FunctionType.empty()
                : ValType.isValid(type)
                        ? FunctionType.of(List.of(), List.of(ValType.I32))
                        : wasm.typeSection().getType((int) type);
    }

    /** By how many operands a plain instruction changes their count. */
    private static int change(int opcode) {
        return switch (opcode) {
            // Locals, globals, constants, sizes and references.
            case 0x20, 0x23, 0x3F, 0x41, 0x42, 0x43, 0x44, 0xD0, 0xD2, 0xFC10 -> 1;
            // Branches on a condition, drop, local.set, global.set and table.grow.
            case 0x0D, 0x1A, 0x21, 0x24, 0xFC0F -> -1;
            // Selections, table.set.
            case 0x1B, 0x1C, 0x26 -> -2;
            // Of memory and tables: init, copy and fill.
            case 0xFC08, 0xFC0A, 0xFC0B, 0xFC0C, 0xFC0E, 0xFC11 -> -3;
            default ->
                opcode >= 0x36 && opcode <= 0x3E ? -2 : opcode >= 0x46 && opcode <= 0xA6 && !ofOne(opcode) ? -1 : 0;
        };
    }

    /** Whether an instruction of numbers takes one and gives one. */
    private static boolean ofOne(int opcode) {
        return opcode == 0x50
                || opcode >= 0x67 && opcode <= 0x69
                || opcode >= 0x79 && opcode <= 0x7B
                || opcode >= 0x8B && opcode <= 0x91
                || opcode >= 0x99 && opcode <= 0x9F;
    }
}

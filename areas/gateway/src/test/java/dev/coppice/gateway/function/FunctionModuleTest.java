package dev.coppice.gateway.function;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is a module for a function, and what is said of what is none. */
class FunctionModuleTest {
    private static final Path SOURCES = Path.of("src/test/resources/dev/coppice/gateway/function");
    private static final byte[] TYPES = {1, 2, 0x60, 0, 1, 0x7E, 0x60, 2, 0x7F, 0x7F, 0};
    private static final byte[] FUNCTIONS = {3, 2, 0, 1};
    private static final byte[] MEMORY = {5, 1, 0, 1};
    private static final byte[] CODE = {10, 2, 4, 0, 0x42, 1, 0x0B, 2, 0, 0x0B};

    private static byte[] exports(String... names) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(7);
        out.write(names.length);
        for (String each : names) {
            out.write(each.length());
            out.writeBytes(each.getBytes(StandardCharsets.US_ASCII));
            out.write(each.equals("memory") ? 2 : 0);
            out.write(each.equals("handle_response") ? 1 : 0);
        }
        return out.toByteArray();
    }

    /** Functions of no parameters, by module and name. */
    private static byte[] imports(String... names) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(2);
        out.write(names.length / 2);
        for (int i = 0; i < names.length; i++) {
            out.write(names[i].length());
            out.writeBytes(names[i].getBytes(StandardCharsets.US_ASCII));
            if (i % 2 == 1) {
                out.write(0);
                out.write(0);
            }
        }
        return out.toByteArray();
    }

    private static byte[] all() {
        return exports("memory", "handle_request", "handle_response");
    }

    private static List<String> problems(byte[] module) {
        try {
            FunctionModule _ = FunctionModule.read(module);
            return List.of();
        } catch (InvalidModuleException e) {
            return e.problems();
        }
    }

    @Test
    void theLeastModuleIsOne() throws Exception {
        FunctionModule module = FunctionModule.read(TestModules.of(TYPES, FUNCTIONS, MEMORY, all(), CODE));
        assertThat(module.initialMemory()).isEqualTo(65_536);
        assertThat(module.seesAnswers()).isFalse();
        assertThat(module.usesBodies()).isFalse();
        FunctionModule guest = FunctionModule.read(TestModules.guest());
        assertThat(guest.seesAnswers()).isTrue();
        assertThat(guest.usesBodies()).isTrue();
    }

    @Test
    void allThatIsMissingIsSaid() {
        assertThat(problems(TestModules.of(TYPES, FUNCTIONS, MEMORY, exports(), CODE)))
                .satisfiesExactly(
                        each -> assertThat(each).contains("does not export its memory"),
                        each -> assertThat(each).contains("exports no function handle_request"),
                        each -> assertThat(each).contains("exports no function handle_response"));
        byte[] swapped = exports("memory", "handle_response", "handle_request");
        swapped[swapped.length - 1] = 1;
        assertThat(problems(TestModules.of(TYPES, FUNCTIONS, MEMORY, swapped, CODE)))
                .singleElement()
                .asString()
                .contains("exports handle_request as")
                .contains("expected");
        assertThat(problems(TestModules.of(TYPES, FUNCTIONS, exports("handle_request", "handle_response"), CODE)))
                .anyMatch(each -> each.contains("0 memories of its own; expected one"));
    }

    @Test
    void whatIsImportedHasToBeThere() {
        byte[] imports = imports("env", "abs", "http_handler", "get_uri");
        byte[] out = all();
        out[out.length - 1] = 3;
        out[out.length - 19] = 2;
        assertThat(problems(TestModules.of(TYPES, imports, FUNCTIONS, MEMORY, out, CODE)))
                .anyMatch(each -> each.contains("imports env.abs; expected functions of http_handler"))
                .anyMatch(each -> each.contains("imports http_handler.get_uri as"));
    }

    @Test
    void memoryIsBounded() {
        assertThat(problems(TestModules.of(TYPES, FUNCTIONS, new byte[] {5, 1, 3, 1, 2}, all(), CODE)))
                .isNotEmpty();
        byte[] table = {4, 1, 0x70, 0, (byte) 0x81, (byte) 0x80, 4};
        assertThat(problems(TestModules.of(TYPES, FUNCTIONS, table, MEMORY, all(), CODE)))
                .singleElement()
                .asString()
                .contains("65537 elements; expected 65536 at most");
    }

    /** Each function of ten bytes would take 200 KB when it is parsed. */
    @Test
    void localVariablesAreBounded() {
        ByteArrayOutputStream functions = new ByteArrayOutputStream();
        functions.write(3);
        TestModules.number(functions, 10_002);
        functions.write(0);
        functions.write(1);
        functions.writeBytes(new byte[10_000]);
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        code.write(10);
        TestModules.number(code, 10_002);
        code.write(CODE, 2, CODE.length - 2);
        for (int i = 0; i < 10_000; i++) {
            code.writeBytes(new byte[] {8, 1, (byte) 0xD0, (byte) 0x86, 3, 0x7F, 0x42, 1, 0x0B});
        }
        assertThat(problems(TestModules.of(TYPES, functions.toByteArray(), MEMORY, all(), code.toByteArray())))
                .singleElement()
                .asString()
                .contains("500000000 local variables; expected 500000 at most");
    }

    /** The compiler notes each operand at each branch. */
    @Test
    void operandsAreBounded() {
        ByteArrayOutputStream high = new ByteArrayOutputStream();
        for (int i = 0; i < 1001; i++) {
            high.writeBytes(new byte[] {0x41, 0});
        }
        assertThat(problems(TestModules.handling(dropped(high, 1001))))
                .singleElement()
                .asString()
                .contains("function 0 of the module has 1001 operands at one time; expected 1000 at most");
        ByteArrayOutputStream many = new ByteArrayOutputStream();
        many.writeBytes(new byte[] {2, 0x40});
        for (int i = 0; i < 900; i++) {
            many.writeBytes(new byte[] {0x41, 0});
        }
        for (int i = 0; i < 5000; i++) {
            many.writeBytes(new byte[] {0x41, 0, 0x0D, 0});
        }
        byte[] body = dropped(many, 900);
        byte[] closed = Arrays.copyOf(body, body.length + 1);
        closed[body.length] = 0x0B;
        assertThat(problems(TestModules.handling(closed)))
                .singleElement()
                .asString()
                .contains("more than 4000000 operands");
        // As high as can be, and code that is never reached.
        ByteArrayOutputStream most = new ByteArrayOutputStream();
        most.writeBytes(new byte[] {2, 0x40, 0x0C, 0, 2, 0x7F, 0x41, 1, 0x0B, 0x1A, 0x0B});
        for (int i = 0; i < 1000; i++) {
            most.writeBytes(new byte[] {0x41, 0});
        }
        assertThat(problems(TestModules.handling(dropped(most, 1000)))).isEmpty();
    }

    private static byte[] dropped(ByteArrayOutputStream code, int operands) {
        for (int i = 0; i < operands; i++) {
            code.write(0x1A);
        }
        return code.toByteArray();
    }

    /** Each block of such a type would be checked against all of them. */
    @Test
    void typesAreBounded() {
        ByteArrayOutputStream types = new ByteArrayOutputStream();
        types.writeBytes(new byte[] {1, 1, 0x60, 65});
        for (int i = 0; i < 65; i++) {
            types.write(0x7F);
        }
        types.write(0);
        assertThat(problems(TestModules.of(types.toByteArray(), FUNCTIONS, MEMORY, all(), CODE)))
                .singleElement()
                .asString()
                .contains("type 0 has 65 parameters and 0 results; expected 64 and 16 at most");
    }

    /** An instruction of WebAssembly's garbage collection: what it makes would be nobody's memory. */
    @Test
    void whatHasNoBoundsIsRefused() {
        byte[] types = {1, 3, 0x60, 0, 1, 0x7E, 0x60, 2, 0x7F, 0x7F, 0, 0x5E, 0x78, 1};
        byte[] code = {10, 2, 12, 0, 0x41, 1, 0x41, 1, (byte) 0xFB, 6, 2, 0x1A, 0x42, 1, 0x0B, 2, 0, 0x0B};
        assertThat(problems(TestModules.of(types, FUNCTIONS, MEMORY, all(), code)))
                .isNotEmpty()
                .allMatch(each -> each.contains("not of WebAssembly 2.0") || each.contains("cannot be read"));
        byte[] tail = {10, 2, 4, 0, 0x12, 0, 0x0B, 2, 0, 0x0B};
        assertThat(problems(TestModules.of(TYPES, FUNCTIONS, MEMORY, all(), tail)))
                .singleElement()
                .asString()
                .contains("RETURN_CALL");
    }

    @Test
    void whatIsNoModuleIsNone() {
        assertThat(problems(new byte[0])).singleElement().asString().contains("does not begin as a module");
        assertThat(problems("(module)".getBytes(StandardCharsets.US_ASCII)))
                .singleElement()
                .asString()
                .contains("expected 00 61 73 6d");
        assertThat(problems(new byte[FunctionModule.MOST_BYTES + 1]))
                .singleElement()
                .asString()
                .contains("1048577 bytes; expected 1048576 at most");
    }

    /** Nothing but a refusal comes of anything. */
    @Test
    void brokenModulesAreRefused() {
        byte[] whole = TestModules.guest();
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int i = 0; i < 300; i++) {
            byte[] broken = i < 50 ? Arrays.copyOf(whole, random.nextInt(whole.length)) : whole.clone();
            for (int at = 0; i >= 50 && at < 1 + i % 4; at++) {
                broken[random.nextInt(broken.length)] = (byte) random.nextInt();
            }
            assertThat(problems(broken)).as("seed %d, round %d", seed, i).isNotNull();
        }
    }

    @Test
    void modulesOfOneContentAreOne() {
        Deque<Runnable> compiler = new ArrayDeque<>();
        FunctionModules modules = new FunctionModules(100_000, compiler::add, () -> {});
        SharedModule one = modules.of(TestModules.guest());
        assertThat(modules.of(TestModules.guest())).isSameAs(one);
        assertThat(modules.bytes()).isEqualTo(TestModules.guest().length);
        assertThat(compiler).hasSize(1);
        FunctionModules small = new FunctionModules(100, compiler::add, () -> {});
        assertThat(small.of(TestModules.guest()).reading(0, false).problem()).contains("has room for 100");
        assertThat(small.bytes()).isZero();
        assertThat(compiler).hasSize(1);
    }

    /** Who asks may hold up all changes of routes. */
    @Test
    void modulesAreReadElsewhereOneAfterTheOther() {
        Deque<Runnable> compiler = new ArrayDeque<>();
        FunctionModules modules = new FunctionModules(100_000, compiler::add, () -> {});
        List<String> order = new ArrayList<>();
        SharedModule bad = modules.of(new byte[] {1, 2, 3});
        bad.whenKnown(() -> order.add("bad"));
        SharedModule gone = modules.of(TestModules.of(new byte[] {1, 0}));
        SharedModule good = modules.of(TestModules.header());
        good.whenKnown(() -> order.add("good"));
        assertThat(modules.loading()).isEqualTo(3);
        gone.release();
        assertThat(modules.bytes()).isEqualTo(3L + TestModules.header().length);
        assertThat(bad.reading(0, false).state()).isEqualTo(FunctionReading.State.LOADING);
        while (!compiler.isEmpty()) {
            assertThat(compiler).hasSize(1);
            compiler.remove().run();
        }
        assertThat(order).containsExactly("bad", "good");
        assertThat(bad.reading(0, false).state()).isEqualTo(FunctionReading.State.INVALID);
        assertThat(bad.reading(0, false).problem()).contains("does not begin as a module");
        assertThat(good.module()).isNotNull();
        // One that cannot be run has nothing that counts.
        assertThat(modules.bytes()).isEqualTo(TestModules.header().length);
        assertThat(modules.loading()).isZero();
        assertThat(modules.of(new byte[] {1, 2, 3})).isSameAs(bad);
    }

    /** What nobody has any more when it has been read is not kept; who asks meanwhile gets it. */
    @Test
    void aModuleMayGoWhileItIsRead() {
        Deque<Runnable> compiler = new ArrayDeque<>();
        FunctionModules[] modules = new FunctionModules[1];
        SharedModule[] one = new SharedModule[1];
        modules[0] = new FunctionModules(100_000, compiler::add, () -> {});
        one[0] = modules[0].of(TestModules.header());
        one[0].whenKnown(one[0]::release);
        compiler.remove().run();
        assertThat(modules[0].bytes()).isZero();
        assertThat(one[0].retain()).isFalse();
        SharedModule again = modules[0].of(TestModules.header());
        assertThat(again).isNotSameAs(one[0]);
        again.release();
        // The task finds nothing to do.
        compiler.remove().run();
        assertThat(modules[0].loading()).isZero();
    }

    /** Whatever comes and goes in whatever order, in the end nothing is left, and at no time more than there is room for. */
    @Test
    void roomIsNeverLost() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[][] contents = new byte[6][];
        for (int i = 0; i < contents.length; i++) {
            contents[i] = i == 0 ? TestModules.header() : new byte[50 + i * 20];
            contents[i][contents[i].length - 1] += (byte) i;
        }
        long most = 300;
        Deque<Runnable> compiler = new ArrayDeque<>();
        FunctionModules modules = new FunctionModules(most, compiler::add, () -> {});
        List<SharedModule> held = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            switch (random.nextInt(3)) {
                case 0 -> held.add(modules.of(contents[random.nextInt(contents.length)]));
                case 1 -> {
                    if (!held.isEmpty()) {
                        held.remove(random.nextInt(held.size())).release();
                    }
                }
                default -> {
                    if (!compiler.isEmpty()) {
                        compiler.remove().run();
                    }
                }
            }
            assertThat(modules.bytes()).as("seed %d, step %d", seed, i).isBetween(0L, most);
        }
        while (!compiler.isEmpty()) {
            compiler.remove().run();
        }
        assertThat(held.stream().filter(each -> each.state() == SharedModule.State.LOADING))
                .as("seed %d", seed)
                .isEmpty();
        held.forEach(SharedModule::release);
        while (!compiler.isEmpty()) {
            compiler.remove().run();
        }
        assertThat(modules.bytes()).as("seed %d", seed).isZero();
        assertThat(modules.loading()).as("seed %d", seed).isZero();
        assertThat(modules.withoutRoom()).as("seed %d", seed).isZero();
    }

    /** What is tested is what is written. */
    @ParameterizedTest
    @ValueSource(strings = {"guest", "header"})
    void modulesAreOfTheirSources(String name, @TempDir Path directory) throws Exception {
        Path compiler = Path.of("/usr/bin/wat2wasm");
        assumeThat(compiler).exists();
        Path out = directory.resolve("out.wasm");
        int code = new ProcessBuilder(
                        compiler.toString(), SOURCES.resolve(name + ".wat").toString(), "-o", out.toString())
                .inheritIO()
                .start()
                .waitFor();
        assertThat(code).isZero();
        assertThat(TestModules.named(name)).isEqualTo(Files.readAllBytes(out));
    }
}

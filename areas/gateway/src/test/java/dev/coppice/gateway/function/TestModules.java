package dev.coppice.gateway.function;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** Modules for tests. */
public final class TestModules {
    private TestModules() {}

    /** The one of {@code guest.wat}. */
    public static byte[] guest() {
        return named("guest");
    }

    /** The one of {@code header.wat}: sets a header of requests, and ignores answers. */
    public static byte[] header() {
        return named("header");
    }

    static byte[] named(String name) {
        try (InputStream in = TestModules.class.getResourceAsStream(name + ".wasm")) {
            return Objects.requireNonNull(in).readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A module of some sections, each without its size. */
    static byte[] of(byte[]... sections) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {0, 'a', 's', 'm', 1, 0, 0, 0});
        for (byte[] each : sections) {
            out.write(each[0]);
            number(out, each.length - 1);
            out.write(each, 1, each.length - 1);
        }
        return out.toByteArray();
    }

    /** A module with a table and a page of memory, whose {@code handle_request} does something and then lets the request go on. */
    public static byte[] handling(byte[] does) {
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        code.write(10);
        code.write(2);
        number(code, does.length + 4);
        code.write(0);
        code.writeBytes(does);
        code.writeBytes(new byte[] {0x42, 1, 0x0B, 2, 0, 0x0B});
        ByteArrayOutputStream exports = new ByteArrayOutputStream();
        exports.write(7);
        exports.write(3);
        String[] names = {"memory", "handle_request", "handle_response"};
        for (int i = 0; i < names.length; i++) {
            exports.write(names[i].length());
            exports.writeBytes(names[i].getBytes(StandardCharsets.US_ASCII));
            exports.write(i == 0 ? 2 : 0);
            exports.write(i == 2 ? 1 : 0);
        }
        return of(
                new byte[] {1, 2, 0x60, 0, 1, 0x7E, 0x60, 2, 0x7F, 0x7F, 0},
                new byte[] {3, 2, 0, 1},
                new byte[] {4, 1, 0x70, 0, 10},
                new byte[] {5, 1, 0, 1},
                exports.toByteArray(),
                code.toByteArray());
    }

    static void number(ByteArrayOutputStream out, long value) {
        long rest = value;
        while (rest > 0x7F) {
            out.write((int) (rest & 0x7F | 0x80));
            rest >>>= 7;
        }
        out.write((int) rest);
    }
}

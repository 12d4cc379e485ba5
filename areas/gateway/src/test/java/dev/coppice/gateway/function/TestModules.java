package dev.coppice.gateway.function;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
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

    static void number(ByteArrayOutputStream out, long value) {
        long rest = value;
        while (rest > 0x7F) {
            out.write((int) (rest & 0x7F | 0x80));
            rest >>>= 7;
        }
        out.write((int) rest);
    }
}

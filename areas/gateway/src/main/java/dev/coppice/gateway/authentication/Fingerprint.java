package dev.coppice.gateway.authentication;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** SHA-256 of a text after a salt, as four longs. Immutable. */
record Fingerprint(long a, long b, long c, long d) {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    static Fingerprint of(byte[] salt, String text) {
        byte[] hash = sha256(salt, text.getBytes(StandardCharsets.UTF_8));
        return new Fingerprint(word(hash, 0), word(hash, 1), word(hash, 2), word(hash, 3));
    }

    private static long word(byte[] hash, int index) {
        return (long) LONG.get(hash, index * Long.BYTES);
    }

    static byte[] sha256(byte[] salt, byte[] text) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(salt);
            return digest.digest(text);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this JDK lacks SHA-256", e);
        }
    }
}

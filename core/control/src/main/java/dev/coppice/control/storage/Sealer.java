package dev.coppice.control.storage;

import dev.coppice.kernel.DurableFile;
import dev.coppice.kernel.Kernel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Encrypts values at rest with AES-256-GCM, bound to the key they are stored under. A sealed value starts with {@code
 * coppice:aesgcm:v1:KEYID:}, so that several keys can be in use while one is replaced. Keys stand in a file with a line
 * {@code KEYID BASE64} each, mode 0600; the first line seals, all of them open. Safe for use by many threads.
 */
public final class Sealer {
    private static final String PREFIX = "coppice:aesgcm:v1:";
    private static final byte[] PREFIX_BYTES = PREFIX.getBytes(StandardCharsets.UTF_8);
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;

    private final SecureRandom random;
    private final Map<String, SecretKeySpec> keys;
    private final String current;

    private Sealer(SecureRandom random, Map<String, SecretKeySpec> keys) {
        this.random = random;
        this.keys = keys;
        this.current = keys.keySet().iterator().next();
    }

    /** Reads the key file in the directory, making it first where there is none. */
    public static Sealer open(Kernel kernel, Path directory) {
        try {
            Path file = directory.resolve("encryption-keys");
            if (!Files.exists(file)) {
                byte[] key = new byte[32];
                kernel.secureRandom().nextBytes(key);
                DurableFile.write(file, "key1 " + Base64.getEncoder().encodeToString(key) + "\n");
            }
            Map<String, SecretKeySpec> keys = new LinkedHashMap<>();
            for (String line : Files.readAllLines(file)) {
                String[] parts = line.trim().split(" +");
                if (parts.length == 2) {
                    keys.put(parts[0], new SecretKeySpec(Base64.getDecoder().decode(parts[1]), "AES"));
                }
            }
            if (keys.isEmpty()) {
                throw new IOException(
                        "the key file " + file + " holds no key; restore it from your backup of the node");
            }
            return new Sealer(kernel.secureRandom(), keys);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public byte[] seal(String storageKey, byte[] plain) {
        try {
            byte[] nonce = new byte[NONCE_BYTES];
            random.nextBytes(nonce);
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(Cipher.ENCRYPT_MODE, keys.get(current), new GCMParameterSpec(TAG_BITS, nonce));
            cipher.updateAAD(storageKey.getBytes(StandardCharsets.UTF_8));
            byte[] sealed = cipher.doFinal(plain);
            byte[] head = (PREFIX + current + ":").getBytes(StandardCharsets.UTF_8);
            return ByteBuffer.allocate(head.length + nonce.length + sealed.length)
                    .put(head)
                    .put(nonce)
                    .put(sealed)
                    .array();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Opens a sealed value; gives back one that is not sealed as it is. */
    public byte[] open(String storageKey, byte[] value) {
        if (!sealed(value)) {
            return value;
        }
        int end = PREFIX_BYTES.length;
        while (end < value.length && value[end] != ':') {
            end++;
        }
        String id = new String(value, PREFIX_BYTES.length, end - PREFIX_BYTES.length, StandardCharsets.UTF_8);
        SecretKeySpec key = keys.get(id);
        if (key == null) {
            throw new IllegalStateException("the value of " + storageKey + " is sealed with the key " + id
                    + ", which the key file does not hold; restore the key file");
        }
        try {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(Cipher.DECRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, value, end + 1, NONCE_BYTES));
            cipher.updateAAD(storageKey.getBytes(StandardCharsets.UTF_8));
            int start = end + 1 + NONCE_BYTES;
            return cipher.doFinal(value, start, value.length - start);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the value of " + storageKey + " cannot be opened: it was changed", e);
        }
    }

    static boolean sealed(byte[] value) {
        return value.length > PREFIX_BYTES.length
                && java.util.Arrays.equals(value, 0, PREFIX_BYTES.length, PREFIX_BYTES, 0, PREFIX_BYTES.length);
    }
}

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
import java.util.Objects;
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
    private final Path file;
    private volatile Ring ring;
    private volatile Guard guard = Guard.NONE;

    private record Ring(long revision, String current, Map<String, SecretKeySpec> keys) {}

    /**
     * Where all nodes agree on the key that seals. A sealed value is written only while what stands there is of the revision
     * that this node knows: so a node that has not heard of a new key cannot write with an older one.
     */
    public interface Guard {
        Guard NONE = new Guard() {
            @Override
            public String storageKey() {
                return "";
            }

            @Override
            public void refresh() {}

            @Override
            public void seen(long revision, byte[] value) {}
        };

        /** Where in the store; empty for nowhere. */
        String storageKey();

        /** Reads it again. */
        void refresh();

        /** It was written. */
        void seen(long revision, byte[] value);
    }

    /** What sealed a value, and when that was the key to seal with. */
    record Sealed(byte[] value, long revision) {}

    private Sealer(SecureRandom random, Path file, Map<String, SecretKeySpec> keys) {
        this.random = random;
        this.file = file;
        this.ring = new Ring(0, keys.keySet().iterator().next(), keys);
    }

    /** From now on the keys are what all nodes agree on. */
    public void guard(Guard agreed) {
        guard = agreed;
    }

    Guard guard() {
        return guard;
    }

    /** The name of the key that seals. */
    public String current() {
        return ring.current;
    }

    /** All keys, by name. */
    public Map<String, byte[]> keys() {
        Map<String, byte[]> all = new LinkedHashMap<>();
        ring.keys.forEach((name, key) -> all.put(name, key.getEncoded()));
        return all;
    }

    /**
     * Takes over what nodes agree on, if it is newer than what is known, after it was written to the file of keys.
     *
     * @param revision that wrote it
     */
    public synchronized void use(long revision, String current, Map<String, byte[]> keys) throws IOException {
        if (revision <= ring.revision) {
            return;
        }
        Map<String, SecretKeySpec> made = new LinkedHashMap<>();
        made.put(current, new SecretKeySpec(Objects.requireNonNull(keys.get(current)), "AES"));
        keys.forEach((name, key) -> made.putIfAbsent(name, new SecretKeySpec(key, "AES")));
        StringBuilder lines = new StringBuilder();
        made.forEach((name, key) -> lines.append(name)
                .append(' ')
                .append(Base64.getEncoder().encodeToString(key.getEncoded()))
                .append('\n'));
        if (!Files.readString(file).contentEquals(lines)) {
            DurableFile.write(file, lines.toString());
        }
        ring = new Ring(revision, current, made);
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
            return new Sealer(kernel.secureRandom(), file, keys);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public byte[] seal(String storageKey, byte[] plain) {
        return sealed(storageKey, plain).value;
    }

    Sealed sealed(String storageKey, byte[] plain) {
        Ring now = ring;
        String current = now.current;
        try {
            byte[] nonce = new byte[NONCE_BYTES];
            random.nextBytes(nonce);
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(Cipher.ENCRYPT_MODE, now.keys.get(current), new GCMParameterSpec(TAG_BITS, nonce));
            cipher.updateAAD(storageKey.getBytes(StandardCharsets.UTF_8));
            byte[] sealed = cipher.doFinal(plain);
            byte[] head = (PREFIX + current + ":").getBytes(StandardCharsets.UTF_8);
            byte[] value = ByteBuffer.allocate(head.length + nonce.length + sealed.length)
                    .put(head)
                    .put(nonce)
                    .put(sealed)
                    .array();
            return new Sealed(value, now.revision);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Opens a sealed value; gives back one that is not sealed as it is. */
    public byte[] open(String storageKey, byte[] value) {
        String id = keyOf(value);
        if (id.isEmpty()) {
            return value;
        }
        SecretKeySpec key = ring.keys.get(id);
        if (key == null) {
            // Another node may have a new key already.
            guard.refresh();
            key = ring.keys.get(id);
        }
        if (key == null) {
            throw new IllegalStateException("the value of " + storageKey + " is sealed with the key " + id
                    + ", which the key file does not hold; restore the key file");
        }
        int end = PREFIX_BYTES.length + id.getBytes(StandardCharsets.UTF_8).length;
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

    /** The name of the key that sealed a value; empty for one that is not sealed. */
    public static String keyOf(byte[] value) {
        if (!sealed(value)) {
            return "";
        }
        int end = PREFIX_BYTES.length;
        while (end < value.length && value[end] != ':') {
            end++;
        }
        return new String(value, PREFIX_BYTES.length, end - PREFIX_BYTES.length, StandardCharsets.UTF_8);
    }

    static boolean sealed(byte[] value) {
        return value.length > PREFIX_BYTES.length
                && java.util.Arrays.equals(value, 0, PREFIX_BYTES.length, PREFIX_BYTES, 0, PREFIX_BYTES.length);
    }
}

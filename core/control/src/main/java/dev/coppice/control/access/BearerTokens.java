package dev.coppice.control.access;

import dev.coppice.kernel.DurableFile;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.Identity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Static bearer tokens. Only their hashes are kept, compared in constant time. Safe for use by many threads. */
public final class BearerTokens {
    public static final Identity ADMIN =
            new Identity("admin", "1", List.of("system:masters", "system:authenticated"), Map.of());

    private record Known(byte[] hash, Identity identity) {}

    private final Map<String, Known> known = new ConcurrentHashMap<>();

    /** Makes a token known under a name; a second one of that name replaces the first. */
    public void put(String name, String token, Identity identity) {
        known.put(name, new Known(hash(token), identity));
    }

    public Optional<Identity> find(String token) {
        byte[] hash = hash(token);
        Identity found = null;
        for (Known k : known.values()) {
            if (MessageDigest.isEqual(hash, k.hash)) {
                found = k.identity;
            }
        }
        return Optional.ofNullable(found);
    }

    private static byte[] hash(String token) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Reads a token from a file, or makes one there (mode 0600). */
    public static String fromFile(Kernel kernel, Path file) {
        try {
            if (!Files.exists(file)) {
                byte[] random = new byte[32];
                kernel.secureRandom().nextBytes(random);
                DurableFile.write(file, Base64.getUrlEncoder().withoutPadding().encodeToString(random) + "\n");
            }
            String token = Files.readString(file).strip();
            if (token.isEmpty()) {
                throw new IOException("the token file " + file + " is empty; delete it, and a new token is made");
            }
            return token;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

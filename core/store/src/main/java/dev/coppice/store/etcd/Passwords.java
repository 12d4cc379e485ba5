package dev.coppice.store.etcd;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import org.bouncycastle.crypto.generators.OpenBSDBCrypt;

/**
 * Hashes of passwords, by bcrypt as in etcd, so that users come along from an etcd and go along to one. Those that older
 * versions of this store made, by PBKDF2 with HMAC-SHA-256, are still understood.
 *
 * @see <a href="https://www.usenix.org/legacy/events/usenix99/provos/provos.pdf">bcrypt</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc8018">RFC 8018</a>
 */
final class Passwords {
    private Passwords() {}

    /** As in etcd: two to the tenth rounds. */
    private static final int COST = 10;

    private static final int SALT_BYTES = 16;
    private static final int KEY_BITS = 256;

    static String hash(String password, SecureRandom random) {
        byte[] salt = new byte[SALT_BYTES];
        random.nextBytes(salt);
        return OpenBSDBCrypt.generate("2a", password.getBytes(StandardCharsets.UTF_8), salt, COST);
    }

    static boolean matches(String password, String hash) {
        if (hash.startsWith("$2")) {
            try {
                return OpenBSDBCrypt.checkPassword(hash, password.getBytes(StandardCharsets.UTF_8));
            } catch (RuntimeException e) {
                // A hash that came from elsewhere may be anything.
                return false;
            }
        }
        String[] parts = hash.split("\\$", -1);
        if (parts.length != 4 || !parts[0].equals("pbkdf2-sha256")) {
            return false;
        }
        byte[] salt = Base64.getDecoder().decode(parts[2]);
        byte[] expected = Base64.getDecoder().decode(parts[3]);
        return MessageDigest.isEqual(expected, derive(password, salt, Integer.parseInt(parts[1])));
    }

    private static byte[] derive(String password, byte[] salt, int rounds) {
        try {
            return SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
                    .generateSecret(new PBEKeySpec(password.toCharArray(), salt, rounds, KEY_BITS))
                    .getEncoded();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK lacks PBKDF2WithHmacSHA256", e);
        }
    }
}

package dev.coppice.gateway.authentication;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Encrypts what only the gateway is to read and make, so that clients can keep it: AES-256-GCM (NIST SP 800-38D), with a key and nonce that are
 * derived for each text by HKDF (RFC 5869) from a secret and a random salt, so that the number of texts has no bound. All nodes with the same
 * secret read what any of them wrote. Safe for use by many threads.
 */
final class CookieSeal {
    /** Bytes of a secret, at least. */
    static final int LEAST_SECRET = 32;

    private static final int SALT = 16;
    private static final int KEY = 32;
    private static final int NONCE = 12;
    private static final int TAG = 16;
    private static final byte VERSION = 1;

    private final List<byte[]> secrets;
    private final String context;
    private final SecureRandom random;

    /**
     * Makes one.
     *
     * @param secrets the first one seals; all of them open
     * @param context what was sealed in another one does not open in this one
     */
    CookieSeal(List<byte[]> secrets, String context, SecureRandom random) {
        if (secrets.isEmpty() || secrets.stream().anyMatch(each -> each.length < LEAST_SECRET)) {
            throw new IllegalArgumentException("secrets: expected one at least, of " + LEAST_SECRET + " bytes each");
        }
        this.secrets = List.copyOf(secrets);
        this.context = context;
        this.random = random;
    }

    /**
     * Seals a text.
     *
     * @param purpose what was sealed for another one is not opened
     * @return base64url, without padding
     */
    String seal(String purpose, String text) {
        byte[] salt = new byte[SALT];
        random.nextBytes(salt);
        try {
            Cipher cipher = cipher(Cipher.ENCRYPT_MODE, secrets.getFirst(), purpose, salt);
            byte[] plain = text.getBytes(StandardCharsets.UTF_8);
            byte[] sealed = ByteBuffer.allocate(1 + SALT + plain.length + TAG)
                    .put(VERSION)
                    .put(salt)
                    .put(cipher.doFinal(plain))
                    .array();
            return Base64.getUrlEncoder().withoutPadding().encodeToString(sealed);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK lacks AES-GCM or HKDF", e);
        }
    }

    /** The text; null when it was not sealed here for this purpose. */
    @Nullable
    String open(String purpose, String sealed) {
        byte[] bytes;
        try {
            bytes = Base64.getUrlDecoder().decode(sealed);
        } catch (IllegalArgumentException e) {
            return null;
        }
        if (bytes.length < 1 + SALT + TAG || bytes[0] != VERSION) {
            return null;
        }
        byte[] salt = Arrays.copyOfRange(bytes, 1, 1 + SALT);
        for (byte[] each : secrets) {
            try {
                Cipher cipher = cipher(Cipher.DECRYPT_MODE, each, purpose, salt);
                return new String(cipher.doFinal(bytes, 1 + SALT, bytes.length - 1 - SALT), StandardCharsets.UTF_8);
            } catch (GeneralSecurityException e) {
                // Sealed with another secret, or by somebody else.
            }
        }
        return null;
    }

    private Cipher cipher(int mode, byte[] secret, String purpose, byte[] salt) throws GeneralSecurityException {
        byte[] info = ("coppice gateway " + purpose + "\n" + context).getBytes(StandardCharsets.UTF_8);
        byte[] derived = KDF.getInstance("HKDF-SHA256")
                .deriveData(HKDFParameterSpec.ofExtract()
                        .addIKM(secret)
                        .addSalt(salt)
                        .thenExpand(info, KEY + NONCE));
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(
                mode, new SecretKeySpec(derived, 0, KEY, "AES"), new GCMParameterSpec(TAG * 8, derived, KEY, NONCE));
        cipher.updateAAD(info);
        return cipher;
    }
}

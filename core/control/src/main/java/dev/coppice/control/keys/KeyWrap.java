package dev.coppice.control.keys;

import dev.coppice.serving.Pem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.KDF;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Wraps keys for their way through the store (AES-256-GCM), so that all nodes get them, and nobody else who reads it. The key that
 * wraps is derived (HKDF with SHA-256, RFC 5869) from the private key of the authority, which all nodes of a cluster share and which
 * never is in the store. Safe for use by many threads.
 */
final class KeyWrap {
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;

    private final SecureRandom random;
    private final Path authority;

    /** @param authority the file of the certificate authority, with its private key */
    KeyWrap(SecureRandom random, Path authority) {
        this.random = random;
        this.authority = authority;
    }

    private SecretKey key() throws GeneralSecurityException {
        try {
            byte[] secret = Pem.privateKey(Files.readString(authority)).getEncoded();
            return KDF.getInstance("HKDF-SHA256")
                    .deriveKey(
                            "AES",
                            HKDFParameterSpec.ofExtract()
                                    .addIKM(new SecretKeySpec(secret, "Generic"))
                                    .thenExpand("coppice keys v1".getBytes(StandardCharsets.US_ASCII), 32));
        } catch (IOException e) {
            throw new GeneralSecurityException("the certificate authority " + authority + " cannot be read: "
                    + e.getClass().getSimpleName() + ": " + e.getMessage());
        }
    }

    /** Wraps a key, for one name only. */
    String wrap(String name, byte[] plain) throws GeneralSecurityException {
        byte[] nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        byte[] sealed = cipher(Cipher.ENCRYPT_MODE, name, nonce).doFinal(plain);
        byte[] both = Arrays.copyOf(nonce, NONCE_BYTES + sealed.length);
        System.arraycopy(sealed, 0, both, NONCE_BYTES, sealed.length);
        return Base64.getEncoder().encodeToString(both);
    }

    byte[] unwrap(String name, String wrapped) throws GeneralSecurityException {
        byte[] both = Base64.getDecoder().decode(wrapped);
        if (both.length <= NONCE_BYTES) {
            throw new GeneralSecurityException("the wrapped key " + name + " is cut short");
        }
        return cipher(Cipher.DECRYPT_MODE, name, Arrays.copyOf(both, NONCE_BYTES))
                .doFinal(both, NONCE_BYTES, both.length - NONCE_BYTES);
    }

    private Cipher cipher(int mode, String name, byte[] nonce) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, key(), new GCMParameterSpec(TAG_BITS, nonce));
        cipher.updateAAD(name.getBytes(StandardCharsets.UTF_8));
        return cipher;
    }
}

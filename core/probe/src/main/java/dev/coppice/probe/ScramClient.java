package dev.coppice.probe;

import dev.coppice.probe.ProbeResult.Outcome;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding, as PostgreSQL speaks it: the user name
 * stays empty. Not safe for use by many threads; one use each.
 */
final class ScramClient {
    /** PostgreSQL's default is 4096; a server must not make a probe compute for minutes. */
    private static final int ITERATIONS_MAX = 200_000;

    private final String password;
    private final String nonce;
    private byte[] expected = new byte[0];
    private boolean verified;

    ScramClient(String password, SecureRandom random) {
        this.password = password;
        var bytes = new byte[18];
        random.nextBytes(bytes);
        this.nonce = Base64.getEncoder().encodeToString(bytes);
    }

    private String firstBare() {
        return "n=,r=" + nonce;
    }

    byte[] first() {
        return ("n,," + firstBare()).getBytes(StandardCharsets.UTF_8);
    }

    /** Answers the server's first message. */
    byte[] proof(String serverFirst) throws ProbeFailure {
        var fields = fields(serverFirst);
        var serverNonce = fields.getOrDefault("r", "");
        int iterations = number(fields.getOrDefault("i", ""));
        if (!serverNonce.startsWith(nonce) || serverNonce.length() == nonce.length()) {
            throw broken("nonce");
        }
        if (iterations < 1 || iterations > ITERATIONS_MAX) {
            throw broken("iteration count");
        }
        try {
            var salt = Base64.getDecoder().decode(fields.getOrDefault("s", ""));
            var key = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
                    .generateSecret(new PBEKeySpec(password.toCharArray(), salt, iterations, 256))
                    .getEncoded();
            var clientKey = hmac(key, "Client Key");
            var storedKey = MessageDigest.getInstance("SHA-256").digest(clientKey);
            var withoutProof = "c=biws,r=" + serverNonce;
            var message = firstBare() + "," + serverFirst + "," + withoutProof;
            var proof = hmac(storedKey, message);
            for (int i = 0; i < proof.length; i++) {
                proof[i] ^= clientKey[i];
            }
            expected = hmac(hmac(key, "Server Key"), message);
            return (withoutProof + ",p=" + Base64.getEncoder().encodeToString(proof)).getBytes(StandardCharsets.UTF_8);
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw broken("salt");
        }
    }

    /** Checks the server's last message: it, too, must know the password. */
    void verify(String serverFinal) throws ProbeFailure {
        try {
            var signature = Base64.getDecoder().decode(fields(serverFinal).getOrDefault("v", ""));
            verified = expected.length > 0 && MessageDigest.isEqual(expected, signature);
        } catch (IllegalArgumentException e) {
            throw broken("signature");
        }
    }

    boolean verified() {
        return verified;
    }

    private static ProbeFailure broken(String what) {
        return new ProbeFailure(Outcome.PROTOCOL_ERROR, "the server sent a wrong SCRAM " + what);
    }

    private static int number(String text) {
        return text.matches("\\d{1,7}") ? Integer.parseInt(text) : -1;
    }

    private static Map<String, String> fields(String message) {
        var fields = new HashMap<String, String>();
        for (var each : message.split(",")) {
            if (each.length() > 2 && each.charAt(1) == '=') {
                fields.put(each.substring(0, 1), each.substring(2));
            }
        }
        return fields;
    }

    private static byte[] hmac(byte[] key, String text) throws GeneralSecurityException {
        var mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }
}

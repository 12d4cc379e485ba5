package dev.coppice.server;

import java.util.Base64;
import java.util.Optional;

/**
 * The right to join a cluster, once and for a limited time: an identifier, a secret whose hash the cluster keeps, and the
 * fingerprint by which the node that joins knows the cluster.
 */
record JoinToken(String id, byte[] secret, byte[] fingerprint) {

    private static final String PREFIX = "coppice-join";
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

    String encoded() {
        return PREFIX + "." + id + "." + ENCODER.encodeToString(secret) + "." + ENCODER.encodeToString(fingerprint);
    }

    static Optional<JoinToken> parse(String text) {
        String[] parts = text.strip().split("\\.");
        if (parts.length != 4 || !parts[0].equals(PREFIX)) {
            return Optional.empty();
        }
        try {
            Base64.Decoder decoder = Base64.getUrlDecoder();
            JoinToken token = new JoinToken(parts[1], decoder.decode(parts[2]), decoder.decode(parts[3]));
            return token.fingerprint().length == 32 ? Optional.of(token) : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    @Override
    public String toString() {
        return PREFIX + "." + id + ".…";
    }
}

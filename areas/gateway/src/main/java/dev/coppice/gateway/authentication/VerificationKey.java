package dev.coppice.gateway.authentication;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.KeyOperation;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.util.Base64URL;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.EdECPoint;
import java.security.spec.EdECPublicKeySpec;
import java.security.spec.NamedParameterSpec;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A public key that verifies signatures of some algorithms (RFC 7518, 3; RFC 8037, 3.1). Immutable, safe for use by many threads. */
final class VerificationKey {
    private static final int LEAST_RSA_BITS = 2048;
    private static final int MOST_RSA_BITS = 8192;
    /** Larger ones make verifying slow, and nobody has them. */
    private static final int MOST_EXPONENT_BITS = 33;

    private static final Set<String> RSA = Set.of("RS256", "RS384", "RS512", "PS256", "PS384", "PS512");

    /** Verifies with one key. */
    private interface Verifying {
        boolean verifies(JWSAlgorithm algorithm, byte[] signed, Base64URL signature)
                throws JOSEException, GeneralSecurityException;
    }

    private final @Nullable String id;
    private final Set<String> algorithms;
    private final Verifying verifying;

    private VerificationKey(@Nullable String id, Set<String> algorithms, Verifying verifying) {
        this.id = id;
        this.algorithms = algorithms;
        this.verifying = verifying;
    }

    /** A key that cannot be used. */
    static final class UnusableException extends Exception {
        UnusableException(String message) {
            super(message, null, false, false);
        }
    }

    /** @throws UnusableException in words, as the end of a sentence about it */
    static VerificationKey of(JWK key) throws UnusableException {
        if (key.isPrivate()) {
            throw new UnusableException("is private or symmetric: expected a public one");
        }
        Set<KeyOperation> operations = key.getKeyOperations();
        if (key.getKeyUse() != null && !key.getKeyUse().equals(KeyUse.SIGNATURE)
                || operations != null && !operations.contains(KeyOperation.VERIFY)) {
            throw new UnusableException("is not for signatures");
        }
        try {
            return switch (key) {
                case RSAKey rsa -> rsa(rsa);
                case ECKey ec -> ellipticCurve(ec);
                case OctetKeyPair pair -> edwardsCurve(pair);
                default -> throw new UnusableException("is of the type " + key.getKeyType());
            };
        } catch (JOSEException | GeneralSecurityException | RuntimeException e) {
            throw new UnusableException("cannot be read");
        }
    }

    private static Set<String> algorithms(JWK key, Set<String> able) throws UnusableException {
        if (key.getAlgorithm() == null) {
            return able;
        }
        String only = key.getAlgorithm().getName();
        if (!able.contains(only)) {
            throw new UnusableException("is for the algorithm " + only + ", which it cannot have or is not supported");
        }
        return Set.of(only);
    }

    private static VerificationKey rsa(RSAKey key) throws UnusableException, JOSEException {
        RSAPublicKey made = key.toRSAPublicKey();
        int bits = made.getModulus().bitLength();
        if (bits < LEAST_RSA_BITS || bits > MOST_RSA_BITS) {
            throw new UnusableException("has " + bits + " bits: expected " + LEAST_RSA_BITS + " to " + MOST_RSA_BITS);
        }
        BigInteger exponent = made.getPublicExponent();
        if (exponent.bitLength() > MOST_EXPONENT_BITS || exponent.bitLength() < 2 || !exponent.testBit(0)) {
            throw new UnusableException("has an exponent that is even, or not of 2 to " + MOST_EXPONENT_BITS + " bits");
        }
        return new VerificationKey(key.getKeyID(), algorithms(key, RSA), ofNimbus(new RSASSAVerifier(made)));
    }

    private static VerificationKey ellipticCurve(ECKey key) throws UnusableException, JOSEException {
        String algorithm;
        if (key.getCurve().equals(Curve.P_256)) {
            algorithm = "ES256";
        } else if (key.getCurve().equals(Curve.P_384)) {
            algorithm = "ES384";
        } else if (key.getCurve().equals(Curve.P_521)) {
            algorithm = "ES512";
        } else {
            throw new UnusableException("is of the curve " + key.getCurve());
        }
        return new VerificationKey(
                key.getKeyID(), algorithms(key, Set.of(algorithm)), ofNimbus(new ECDSAVerifier(key.toECPublicKey())));
    }

    private static Verifying ofNimbus(JWSVerifier verifier) {
        return (algorithm, signed, signature) -> verifier.verify(new JWSHeader(algorithm), signed, signature);
    }

    /** By Java, as the library wants another one for that. */
    private static VerificationKey edwardsCurve(OctetKeyPair key) throws UnusableException, GeneralSecurityException {
        if (!key.getCurve().equals(Curve.Ed25519)) {
            throw new UnusableException("is of the curve " + key.getCurve());
        }
        byte[] point = key.getX().decode();
        if (point.length != 32) {
            throw new UnusableException("has a point of " + point.length + " bytes: expected 32");
        }
        boolean odd = (point[31] & 0x80) != 0;
        byte[] y = new byte[point.length];
        for (int i = 0; i < point.length; i++) {
            y[i] = point[point.length - 1 - i];
        }
        y[0] &= 0x7F;
        PublicKey made = KeyFactory.getInstance("Ed25519")
                .generatePublic(
                        new EdECPublicKeySpec(NamedParameterSpec.ED25519, new EdECPoint(odd, new BigInteger(1, y))));
        // A key may say the one or the other (RFC 9864); tokens of today say EdDSA.
        Set<String> _ = algorithms(key, Set.of("EdDSA", "Ed25519"));
        return new VerificationKey(key.getKeyID(), Set.of("EdDSA"), (_, signed, signature) -> {
            Signature verifier = Signature.getInstance("Ed25519");
            verifier.initVerify(made);
            verifier.update(signed);
            return verifier.verify(signature.decode());
        });
    }

    @Nullable
    String id() {
        return id;
    }

    boolean verifies(String algorithm) {
        return algorithms.contains(algorithm);
    }

    /** Whether a signature is one of this key's. */
    boolean verifies(String algorithm, byte[] signed, String signature) {
        try {
            return verifies(algorithm)
                    && verifying.verifies(JWSAlgorithm.parse(algorithm), signed, new Base64URL(signature));
        } catch (JOSEException | GeneralSecurityException e) {
            // Of another length than the key's signatures have, for example.
            return false;
        }
    }
}

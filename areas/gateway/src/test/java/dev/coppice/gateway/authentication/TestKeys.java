package dev.coppice.gateway.authentication;

import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.interfaces.EdECPublicKey;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.util.Base64;
import java.util.Locale;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** Keys of an issuer, and tokens that are signed with them, byte for byte as a test says. */
public final class TestKeys {
    private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();

    final RSAKey rsa;
    final ECKey ec;
    private final KeyPair edwards;

    public TestKeys() {
        try {
            rsa = new RSAKeyGenerator(2048).keyID("rsa").generate();
            ec = new ECKeyGenerator(Curve.P_256).keyID("ec").generate();
            edwards = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /** The public keys. */
    public String set() {
        return "{\"keys\":[" + rsa.toPublicJWK() + "," + ec.toPublicJWK() + "," + edwards() + "]}";
    }

    String edwards() {
        EdECPublicKey key = (EdECPublicKey) edwards.getPublic();
        byte[] y = key.getPoint().getY().toByteArray();
        byte[] x = new byte[32];
        for (int i = 0; i < 32 && i < y.length; i++) {
            x[i] = y[y.length - 1 - i];
        }
        if (key.getPoint().isXOdd()) {
            x[31] |= (byte) 0x80;
        }
        return "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\",\"x\":\"" + BASE64.encodeToString(x) + "\"}";
    }

    static String encoded(String text) {
        return BASE64.encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A token with a header and claims as they are given. */
    public String token(String header, String claims, String algorithm) {
        String signed = encoded(header) + "." + encoded(claims);
        return signed + "." + BASE64.encodeToString(signature(algorithm, signed.getBytes(StandardCharsets.US_ASCII)));
    }

    /** A token in order. */
    public String token(String algorithm, String claims) {
        String id = algorithm.startsWith("ES") ? "ec" : algorithm.startsWith("Ed") ? "ed" : "rsa";
        return token("{\"alg\":\"" + algorithm + "\",\"kid\":\"" + id + "\"}", claims, algorithm);
    }

    private byte[] signature(String algorithm, byte[] signed) {
        try {
            return switch (algorithm) {
                case "RS256", "RS384", "RS512" ->
                    sign("SHA" + algorithm.substring(2) + "withRSA", rsa.toPrivateKey(), signed);
                case "PS256" -> {
                    Signature signing = Signature.getInstance("RSASSA-PSS");
                    signing.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1));
                    signing.initSign(rsa.toPrivateKey());
                    signing.update(signed);
                    yield signing.sign();
                }
                case "ES256" -> sign("SHA256withECDSAinP1363Format", ec.toPrivateKey(), signed);
                case "EdDSA" -> sign("Ed25519", edwards.getPrivate(), signed);
                // The attack: the public key, which everybody knows, as the secret.
                case "HS256" -> {
                    Mac mac = Mac.getInstance("HmacSHA256");
                    mac.init(new SecretKeySpec(rsa.toPublicKey().getEncoded(), "HmacSHA256"));
                    yield mac.doFinal(signed);
                }
                default -> new byte[0];
            };
        } catch (Exception e) {
            throw new IllegalStateException(algorithm.toLowerCase(Locale.ROOT), e);
        }
    }

    private static byte[] sign(String name, PrivateKey key, byte[] signed) throws GeneralSecurityException {
        Signature signing = Signature.getInstance(name);
        signing.initSign(key);
        signing.update(signed);
        return signing.sign();
    }
}

package dev.coppice.store.etcd;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.MACVerifier;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import dev.coppice.kernel.Clock;
import dev.coppice.store.StoreException;
import dev.coppice.store.engine.AuthState;
import dev.coppice.store.engine.Errors;
import io.grpc.Status.Code;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.ParseException;
import java.util.Date;
import org.jspecify.annotations.Nullable;

/**
 * JSON Web Tokens with etcd's claims {@code username} and {@code revision}: every member that has the public key recognises
 * them, and a change of users or roles ends all of them.
 *
 * @see <a href="https://etcd.io/docs/v3.5/learning/design-auth-v3/">etcd's tokens</a>
 * @see <a href="https://www.rfc-editor.org/rfc/rfc7519">RFC 7519</a>
 */
final class SignedTokens implements Tokens {

    private static final String USER = "username";
    private static final String REVISION = "revision";

    private final Clock clock;
    private final TokenOptions.Signed options;
    private final JWSAlgorithm algorithm;
    private final @Nullable JWSSigner signer;
    private final JWSVerifier verifier;

    private SignedTokens(Clock clock, TokenOptions.Signed options, @Nullable JWSSigner signer, JWSVerifier verifier) {
        this.clock = clock;
        this.options = options;
        this.algorithm = JWSAlgorithm.parse(options.method());
        this.signer = signer;
        this.verifier = verifier;
    }

    /** @throws IllegalArgumentException when a key cannot be read, or is none for the method; in words for people */
    static SignedTokens open(Clock clock, TokenOptions.Signed options) {
        Path known = options.publicKey() != null ? options.publicKey() : options.privateKey();
        if (known == null) {
            throw new IllegalArgumentException("--auth-token: a jwt needs priv-key, pub-key or both");
        }
        try {
            Path secret = options.privateKey();
            return new SignedTokens(
                    clock, options, secret == null ? null : signer(options, secret), verifier(options, known));
        } catch (IOException | JOSEException | RuntimeException e) {
            throw new IllegalArgumentException(
                    "--auth-token: the keys " + options.privateKey() + " and " + options.publicKey()
                            + " cannot be used for " + options.method() + ": " + e.getMessage()
                            + ": expected PEM files (or, for HS, a file of at least as many bytes as the hash)",
                    e);
        }
    }

    private static JWSSigner signer(TokenOptions.Signed options, Path file) throws IOException, JOSEException {
        if (options.method().startsWith("HS")) {
            return new MACSigner(Files.readAllBytes(file));
        }
        String pem = Files.readString(file);
        if (options.method().startsWith("ES")) {
            // A private key on an elliptic curve may lack the public one.
            Path shown = options.publicKey();
            String both = shown == null ? pem : pem + "\n" + Files.readString(shown);
            return new ECDSASigner(JWK.parseFromPEMEncodedObjects(both).toECKey());
        }
        return new RSASSASigner(JWK.parseFromPEMEncodedObjects(pem).toRSAKey());
    }

    private static JWSVerifier verifier(TokenOptions.Signed options, Path file) throws IOException, JOSEException {
        if (options.method().startsWith("HS")) {
            return new MACVerifier(Files.readAllBytes(file));
        }
        JWK key = JWK.parseFromPEMEncodedObjects(Files.readString(file));
        return options.method().startsWith("ES")
                ? new ECDSAVerifier(key.toECKey().toPublicJWK())
                : new RSASSAVerifier(key.toRSAKey().toPublicJWK());
    }

    @Override
    public String give(String user, AuthState auth) {
        JWSSigner known = signer;
        if (known == null) {
            throw new StoreException(
                    Code.FAILED_PRECONDITION,
                    "etcdserver: this member has no key to sign tokens with; sign in at another member, or give it priv-key");
        }
        SignedJWT token = new SignedJWT(
                new JWSHeader(algorithm),
                new JWTClaimsSet.Builder()
                        .claim(USER, user)
                        .claim(REVISION, auth.revision())
                        .expirationTime(Date.from(clock.now().plus(options.ttl())))
                        .build());
        try {
            token.sign(known);
        } catch (JOSEException e) {
            throw new StoreException(Code.INTERNAL, "etcdserver: the token could not be signed: " + e.getMessage(), e);
        }
        return token.serialize();
    }

    @Override
    public String userOf(String shown, AuthState auth) {
        try {
            SignedJWT token = SignedJWT.parse(shown.startsWith("Bearer ") ? shown.substring(7) : shown);
            // Before anything is computed: a token must not choose how it is verified.
            if (!token.getHeader().getAlgorithm().equals(algorithm) || !token.verify(verifier)) {
                throw Errors.invalidToken();
            }
            JWTClaimsSet claims = token.getJWTClaimsSet();
            Date end = claims.getExpirationTime();
            String user = claims.getStringClaim(USER);
            Long revision = claims.getLongClaim(REVISION);
            if (end == null
                    || end.toInstant().isBefore(clock.now())
                    || user == null
                    || revision == null
                    || !auth.users().containsKey(user)) {
                throw Errors.invalidToken();
            }
            if (revision != auth.revision()) {
                throw Errors.oldAuthRevision();
            }
            return user;
        } catch (ParseException | JOSEException e) {
            throw Errors.invalidToken();
        }
    }
}

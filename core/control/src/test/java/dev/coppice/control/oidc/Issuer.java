package dev.coppice.control.oidc;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import dev.coppice.control.webhook.WebhookServer;
import dev.coppice.kernel.Kernel;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/** A small OpenID Connect issuer over HTTPS. */
final class Issuer implements AutoCloseable {
    static final String CLIENT = "coppice";

    private final WebhookServer server;
    private final Path authority;
    private volatile List<RSAKey> keys;
    private volatile boolean away;
    private volatile String name;
    private final AtomicInteger fetches = new AtomicInteger();

    Issuer(Kernel kernel, Path directory) throws Exception {
        keys = List.of(key("first"));
        server = new WebhookServer(kernel, directory, "127.0.0.1");
        name = url().toString();
        server.raw("/realm/.well-known/openid-configuration", exchange -> {
            exchange.status(away ? 503 : 200)
                    .send("application/json", "{\"issuer\":\"" + name + "\",\"jwks_uri\":\"" + url() + "/keys\"}");
        });
        server.raw("/realm/keys", exchange -> {
            fetches.incrementAndGet();
            exchange.status(200).send("application/json", new JWKSet(new ArrayList<>(keys)).toString());
        });
        authority = directory.resolve("issuer.crt");
        Files.write(authority, Base64.getDecoder().decode(server.caBundle()));
    }

    private static RSAKey key(String id) throws Exception {
        return new RSAKeyGenerator(2048).keyID(id).generate();
    }

    URI url() {
        return URI.create("https://127.0.0.1:" + server.port() + "/realm");
    }

    Path authority() {
        return authority;
    }

    int fetches() {
        return fetches.get();
    }

    /** Whether it fails. */
    void away(boolean yes) {
        away = yes;
    }

    /** What it says it is. */
    void callItself(String other) {
        name = other;
    }

    /** Signs with another key from now on. */
    void rotate(String id) throws Exception {
        keys = List.of(key(id));
    }

    /** A token of kim's, changed. */
    String token(UnaryOperator<JWTClaimsSet.Builder> change) throws Exception {
        return token(keys.getFirst(), JWSAlgorithm.RS256, change);
    }

    String token(RSAKey key, JWSAlgorithm algorithm, UnaryOperator<JWTClaimsSet.Builder> change) throws Exception {
        Instant now = Instant.now();
        JWTClaimsSet.Builder claims = new JWTClaimsSet.Builder()
                .issuer(url().toString())
                .audience(CLIENT)
                .subject("kim")
                .claim("groups", List.of("devs", "night"))
                .expirationTime(Date.from(now.plusSeconds(600)));
        SignedJWT token = new SignedJWT(
                new JWSHeader.Builder(algorithm).keyID(key.getKeyID()).build(),
                change.apply(claims).build());
        token.sign(new RSASSASigner(key));
        return token.serialize();
    }

    /** Signed by somebody else, who says to be this one. */
    String forged() throws Exception {
        return token(key(keys.getFirst().getKeyID()), JWSAlgorithm.RS256, c -> c);
    }

    String signedOtherwise() throws Exception {
        return token(keys.getFirst(), JWSAlgorithm.PS512, c -> c);
    }

    /** Without a signature: {@code alg} is none. */
    String unsigned() throws Exception {
        String payload = token(c -> c).split("\\.")[1];
        Base64.Encoder encoder = Base64.getUrlEncoder().withoutPadding();
        return encoder.encodeToString("{\"alg\":\"none\"}".getBytes(StandardCharsets.UTF_8)) + "." + payload + ".";
    }

    @Override
    public void close() {
        server.close();
    }
}

package dev.coppice.control.access;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.keys.SigningKeys;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.CachedObject;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.Identity;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.Signature;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Tokens of service accounts: JSON web tokens (RFC 7519, ES256), bound to the account's uid, so that they die with it. The
 * keys are exchanged by {@link SigningKeys}. Safe for use by many threads.
 */
public final class ServiceAccountTokens {
    /** Who issues them, as they say. */
    public static final String ISSUER = "https://kubernetes.default.svc.cluster.local";

    private static final String SIGNATURE = "SHA256withECDSAinP1363Format";
    private static final int MAX_TOKEN = 8_192;
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

    private final Kernel kernel;
    private final Definition accounts;
    private final SigningKeys keys;

    public ServiceAccountTokens(Kernel kernel, SigningKeys keys, Definition accounts) {
        this.kernel = kernel;
        this.keys = keys;
        this.accounts = accounts;
    }

    /** A token of an account. */
    public record Issued(String token, Instant expires) {}

    public Issued issue(ObjectNode account, List<String> audiences, long seconds) {
        Instant now = kernel.clock().now();
        Instant expires = now.plusSeconds(seconds);
        SigningKeys.Pair pair = keys.current();
        String namespace = Json.text(account, "metadata", "namespace");
        String name = Json.text(account, "metadata", "name");
        ObjectNode claims = Json.object();
        claims.set("aud", Json.array(audiences.isEmpty() ? List.of(ISSUER) : audiences));
        claims.put("exp", expires.getEpochSecond());
        claims.put("iat", now.getEpochSecond());
        claims.put("nbf", now.getEpochSecond());
        claims.put("iss", ISSUER);
        claims.put("sub", "system:serviceaccount:" + namespace + ":" + name);
        ObjectNode kubernetes = claims.putObject("kubernetes.io").put("namespace", namespace);
        kubernetes.putObject("serviceaccount").put("name", name).put("uid", Json.text(account, "metadata", "uid"));
        ObjectNode header =
                Json.object().put("alg", "ES256").put("kid", pair.id()).put("typ", "JWT");
        String signed = ENCODER.encodeToString(Json.bytes(header)) + "." + ENCODER.encodeToString(Json.bytes(claims));
        try {
            Signature signature = Signature.getInstance(SIGNATURE);
            signature.initSign(pair.signs(), kernel.secureRandom());
            signature.update(signed.getBytes(StandardCharsets.US_ASCII));
            return new Issued(signed + "." + ENCODER.encodeToString(signature.sign()), expires);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Who holds the token; empty when it is not valid, or its account is gone. */
    public Optional<Identity> identify(String token) {
        String[] parts = token.split("\\.", -1);
        if (parts.length != 3 || token.length() > MAX_TOKEN) {
            return Optional.empty();
        }
        try {
            Base64.Decoder decoder = Base64.getUrlDecoder();
            JsonNode header = Json.parse(decoder.decode(parts[0]));
            if (!header.path("alg").asText().equals("ES256")) {
                return Optional.empty();
            }
            ObjectNode claims = Json.parse(decoder.decode(parts[1]));
            SigningKeys.Pair pair = claims.path("iss").asText().equals(ISSUER)
                    ? keys.find(header.path("kid").asText())
                    : null;
            return pair != null && verified(pair, parts, decoder.decode(parts[2])) ? account(claims) : Optional.empty();
        } catch (GeneralSecurityException | RuntimeException e) {
            return Optional.empty();
        }
    }

    private static boolean verified(SigningKeys.Pair pair, String[] parts, byte[] sign)
            throws GeneralSecurityException {
        Signature signature = Signature.getInstance(SIGNATURE);
        signature.initVerify(pair.verifies());
        signature.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
        return signature.verify(sign);
    }

    private Optional<Identity> account(ObjectNode claims) {
        long now = kernel.clock().now().getEpochSecond();
        if (!claims.path("iss").asText().equals(ISSUER)
                || claims.path("exp").asLong() <= now
                || claims.path("nbf").asLong() > now + 60
                || !Json.list(claims.path("aud")).contains(ISSUER)) {
            return Optional.empty();
        }
        JsonNode kubernetes = claims.path("kubernetes.io");
        String namespace = kubernetes.path("namespace").asText();
        String name = kubernetes.path("serviceaccount").path("name").asText();
        String uid = kubernetes.path("serviceaccount").path("uid").asText();
        CachedObject there = accounts.cache().get(namespace, name);
        if (there == null || !Json.text(there.tree(), "metadata", "uid").equals(uid)) {
            return Optional.empty();
        }
        return Optional.of(new Identity(
                "system:serviceaccount:" + namespace + ":" + name,
                uid,
                List.of("system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"),
                Map.of()));
    }
}

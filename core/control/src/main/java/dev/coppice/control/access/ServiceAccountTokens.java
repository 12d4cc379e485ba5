package dev.coppice.control.access;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.CachedObject;
import dev.coppice.kernel.DurableFile;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.Identity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Tokens of service accounts: JSON web tokens (RFC 7519, ES256), bound to the account's uid, so that they die with it. The
 * key stands in the data directory, mode 0600. Safe for use by many threads.
 */
public final class ServiceAccountTokens {
    private static final String ISSUER = "https://kubernetes.default.svc.cluster.local";
    private static final String SIGNATURE = "SHA256withECDSAinP1363Format";
    private static final int MAX_TOKEN = 8_192;
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

    private final Kernel kernel;
    private final Definition accounts;
    private final PrivateKey key;
    private final PublicKey verifier;
    private final String keyId;

    public ServiceAccountTokens(Kernel kernel, Path directory, Definition accounts) {
        this.kernel = kernel;
        this.accounts = accounts;
        try {
            KeyPair pair = load(kernel, directory.resolve("service-account-key"));
            this.key = pair.getPrivate();
            this.verifier = pair.getPublic();
            byte[] digest = java.security.MessageDigest.getInstance("SHA-256")
                    .digest(pair.getPublic().getEncoded());
            this.keyId = ENCODER.encodeToString(java.util.Arrays.copyOf(digest, 12));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the service account key in " + directory + " cannot be read", e);
        }
    }

    /** Makes the key in a directory where there is none, such as for all nodes of a cluster before they start. */
    public static void makeKey(Kernel kernel, Path directory) throws IOException {
        try {
            KeyPair _ = load(kernel, directory.resolve("service-account-key"));
        } catch (GeneralSecurityException e) {
            throw new IOException("the service account key in " + directory + " cannot be made", e);
        }
    }

    private static KeyPair load(Kernel kernel, Path file) throws IOException, GeneralSecurityException {
        if (!Files.exists(file)) {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"), kernel.secureRandom());
            KeyPair pair = generator.generateKeyPair();
            Base64.Encoder plain = Base64.getEncoder();
            DurableFile.write(
                    file,
                    plain.encodeToString(pair.getPrivate().getEncoded()) + "\n"
                            + plain.encodeToString(pair.getPublic().getEncoded()) + "\n");
        }
        List<String> lines = Files.readAllLines(file);
        if (lines.size() < 2) {
            throw new IOException("the key file " + file + " is cut short; restore it or delete it (tokens then end)");
        }
        KeyFactory factory = KeyFactory.getInstance("EC");
        Base64.Decoder decoder = Base64.getDecoder();
        return new KeyPair(
                factory.generatePublic(new X509EncodedKeySpec(decoder.decode(lines.get(1)))),
                factory.generatePrivate(new PKCS8EncodedKeySpec(decoder.decode(lines.get(0)))));
    }

    /** A token of an account. */
    public record Issued(String token, Instant expires) {}

    public Issued issue(ObjectNode account, List<String> audiences, long seconds) {
        Instant now = kernel.clock().now();
        Instant expires = now.plusSeconds(seconds);
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
        ObjectNode header = Json.object().put("alg", "ES256").put("kid", keyId).put("typ", "JWT");
        String signed = ENCODER.encodeToString(Json.bytes(header)) + "." + ENCODER.encodeToString(Json.bytes(claims));
        try {
            Signature signature = Signature.getInstance(SIGNATURE);
            signature.initSign(key, kernel.secureRandom());
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
            if (!header.path("alg").asText().equals("ES256") || !verified(parts, decoder.decode(parts[2]))) {
                return Optional.empty();
            }
            return account(Json.parse(decoder.decode(parts[1])));
        } catch (GeneralSecurityException | RuntimeException e) {
            return Optional.empty();
        }
    }

    private boolean verified(String[] parts, byte[] sign) throws GeneralSecurityException {
        Signature signature = Signature.getInstance(SIGNATURE);
        signature.initVerify(verifier);
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

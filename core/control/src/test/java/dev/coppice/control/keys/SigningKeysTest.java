package dev.coppice.control.keys;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jwt.SignedJWT;
import dev.coppice.control.ServedApi;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.ShiftedClock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The exchange of the key that signs service account tokens. */
class SigningKeysTest {
    private static final String ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default";

    @TempDir
    Path folder;

    private ServedApi api;

    @BeforeEach
    void start() throws Exception {
        api = new ServedApi(folder);
        api.await(200, "GET", ACCOUNT, "");
    }

    @AfterEach
    void stop() {
        api.close();
    }

    private String token() throws Exception {
        ServedApi.Answer made = api.call(
                "POST",
                ACCOUNT + "/token",
                "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenRequest\",\"spec\":{}}");
        assertThat(made.code()).isEqualTo(201);
        return made.body().path("status").path("token").asText();
    }

    private String user(String token) throws Exception {
        return api.call(
                        "POST",
                        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                        "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"SelfSubjectReview\"}",
                        "Authorization",
                        "Bearer " + token)
                .body()
                .path("status")
                .path("userInfo")
                .path("username")
                .asText();
    }

    private JWKSet keySet(String token) throws Exception {
        ServedApi.Answer answer = api.call("GET", "/openid/v1/jwks", "", "Authorization", "Bearer " + token);
        assertThat(answer.code()).isEqualTo(200);
        return JWKSet.parse(answer.body().toString());
    }

    private static boolean verifies(JWKSet keys, String token) throws Exception {
        SignedJWT parsed = SignedJWT.parse(token);
        var key = keys.getKeyByKeyId(parsed.getHeader().getKeyID());
        return key != null && parsed.verify(new ECDSAVerifier(key.toECKey()));
    }

    private JsonNode rotate(String how) throws Exception {
        ServedApi.Answer answer = api.call("POST", KeysHandler.PATH + "/signing/rotate" + how, "");
        assertThat(answer.code()).as(answer.body().toString()).isEqualTo(200);
        return answer.body().path("signing");
    }

    @Test
    void tokensOfTheOldKeyStayGoodAndNewOnesAreSignedByTheNewOne() throws Exception {
        String old = token();
        JsonNode status = rotate("");
        String fresh = token();
        assertThat(SignedJWT.parse(fresh).getHeader().getKeyID())
                .isEqualTo(status.path("current").asText())
                .isNotEqualTo(SignedJWT.parse(old).getHeader().getKeyID());
        assertThat(user(old)).isEqualTo("system:serviceaccount:default:default");
        assertThat(user(fresh)).isEqualTo("system:serviceaccount:default:default");
        JWKSet keys = keySet(old);
        assertThat(keys.getKeys()).hasSize(2);
        assertThat(keys.containsNonPublicKeys()).isFalse();
        assertThat(verifies(keys, old)).isTrue();
        assertThat(verifies(keys, fresh)).isTrue();
    }

    @Test
    void oldTokensCanBeEnded() throws Exception {
        String old = token();
        rotate("?endOldTokens=true");
        assertThat(api.call("GET", "/version", "", "Authorization", "Bearer " + old)
                        .code())
                .isEqualTo(401);
        assertThat(keySet(token()).getKeys()).hasSize(1);
    }

    @Test
    void othersFindTheKeysByDiscovery() throws Exception {
        ServedApi.Answer told =
                api.call("GET", "/.well-known/openid-configuration", "", "Authorization", "Bearer " + token());
        assertThat(told.code()).isEqualTo(200);
        assertThat(told.body().path("jwks_uri").asText()).isEqualTo(api.base() + "/openid/v1/jwks");
        assertThat(told.body().path("issuer").asText())
                .isEqualTo(SignedJWT.parse(token()).getJWTClaimsSet().getIssuer());
        api.user("nobody");
        assertThat(api.call("GET", "/openid/v1/jwks", "", "Authorization", "Bearer nobody")
                        .code())
                .as("as in Kubernetes, for service accounts and administrators")
                .isEqualTo(403);
    }

    @Test
    void anotherNodeHearsOfANewKeyFromAToken() throws Exception {
        Path other = Files.createDirectory(folder.resolve("other"));
        for (String name : List.of("ca.pem", "service-account-key")) {
            Files.copy(folder.resolve("control").resolve(name), other.resolve(name));
        }
        try (Kernel kernel = Kernel.start()) {
            SigningKeys there = new SigningKeys(kernel, api.keyspace(), other);
            rotate("");
            String id = SignedJWT.parse(token()).getHeader().getKeyID();
            assertThat(there.current().id()).isNotEqualTo(id);
            assertThat(there.find(id)).isNotNull();
            assertThat(there.find("no key has that name")).isNull();
            assertThat(there.current().id()).isEqualTo(id);
        }
    }

    @Test
    void anOldKeyIsForgottenWhenItsLastTokenHasEnded() throws Exception {
        rotate("");
        Path offset = folder.resolve("offset");
        Files.writeString(
                offset, Long.toString(SigningKeys.LONGEST_TOKEN.plusDays(1).toMillis()));
        try (Kernel kernel = Kernel.start(new ShiftedClock(offset))) {
            SigningKeys later = new SigningKeys(kernel, api.keyspace(), folder.resolve("control"));
            later.step();
            assertThat(later.status().path("keys")).hasSize(1);
            assertThat(later.status().path("retire")).isEmpty();
        }
    }

    @Test
    void noTokenIsGoodForLongerThanAYear() throws Exception {
        ServedApi.Answer made = api.call(
                "POST",
                ACCOUNT + "/token",
                "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenRequest\",\"spec\":"
                        + "{\"expirationSeconds\":4000000000}}");
        assertThat(made.body().path("spec").path("expirationSeconds").asLong())
                .isEqualTo(Duration.ofDays(365).toSeconds());
    }
}

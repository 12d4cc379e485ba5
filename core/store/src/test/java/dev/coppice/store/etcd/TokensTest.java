package dev.coppice.store.etcd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.store.api.User;
import dev.coppice.store.engine.AuthState;
import dev.coppice.store.engine.SignIns;
import dev.coppice.store.log.IssueToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokensTest {

    @TempDir
    Path directory;

    private final SimulatedClock clock = new SimulatedClock();

    private static AuthState users(long revision, String password) {
        return new AuthState(
                true,
                revision,
                new TreeMap<>(Map.of(
                        "eve",
                        User.newBuilder()
                                .setName(ByteString.copyFromUtf8("eve"))
                                .setPassword(ByteString.copyFromUtf8(password))
                                .build())),
                new TreeMap<>());
    }

    private Path pem(String name, String kind, Key key) throws IOException {
        return Files.writeString(
                directory.resolve(name),
                "-----BEGIN " + kind + "-----\n" + Base64.getMimeEncoder().encodeToString(key.getEncoded())
                        + "\n-----END " + kind + "-----\n");
    }

    private Tokens signed(String method, Path secret, Path shown) {
        return SignedTokens.open(clock, (TokenOptions.Signed) TokenOptions.parse(
                "jwt,sign-method=" + method + ",priv-key=" + secret + ",pub-key=" + shown + ",ttl=10m"));
    }

    private void check(Tokens tokens) {
        AuthState users = users(7, "hash");
        String token = tokens.give("eve", users);
        assertThat(tokens.userOf(token, users)).isEqualTo("eve");
        assertThatThrownBy(() -> tokens.userOf(token, users(8, "hash")))
                .hasMessageContaining("revision of auth store is old");
        assertThatThrownBy(() -> tokens.userOf(token.substring(0, token.length() - 8) + "AAAAAAAA", users))
                .hasMessageContaining("invalid auth token");
        assertThatThrownBy(() -> tokens.userOf("nonsense", users)).hasMessageContaining("invalid auth token");
        clock.advance(Duration.ofMinutes(11));
        assertThatThrownBy(() -> tokens.userOf(token, users)).hasMessageContaining("invalid auth token");
    }

    @Test
    void signedTokensAreRecognisedByTheirKey() throws Exception {
        for (String method : List.of("RS256", "PS512", "ES256")) {
            KeyPairGenerator generator = KeyPairGenerator.getInstance(method.startsWith("ES") ? "EC" : "RSA");
            generator.initialize(method.startsWith("ES") ? 256 : 2048);
            KeyPair pair = generator.generateKeyPair();
            Path secret = pem(method + ".key", "PRIVATE KEY", pair.getPrivate());
            Path shown = pem(method + ".pub", "PUBLIC KEY", pair.getPublic());
            check(signed(method, secret, shown));
        }
        Path secret = Files.writeString(directory.resolve("secret"), "s".repeat(64), StandardCharsets.US_ASCII);
        check(signed("HS256", secret, secret));
    }

    /** The classic: a token that names the public key's bytes as a shared secret, or no signature at all. */
    @Test
    void aTokenDoesNotChooseHowItIsVerified() throws Exception {
        KeyPair pair = KeyPairGenerator.getInstance("RSA").generateKeyPair();
        Path secret = pem("rsa.key", "PRIVATE KEY", pair.getPrivate());
        Path shown = pem("rsa.pub", "PUBLIC KEY", pair.getPublic());
        Tokens tokens = signed("RS256", secret, shown);
        AuthState users = users(7, "hash");
        String forged = signed("HS256", shown, shown).give("eve", users);
        assertThatThrownBy(() -> tokens.userOf(forged, users)).hasMessageContaining("invalid auth token");
        Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
        String none = base64.encodeToString("{\"alg\":\"none\"}".getBytes(StandardCharsets.US_ASCII)) + "."
                + base64.encodeToString(
                        "{\"username\":\"eve\",\"revision\":7,\"exp\":99999999999}".getBytes(StandardCharsets.US_ASCII))
                + ".";
        assertThatThrownBy(() -> tokens.userOf(none, users)).hasMessageContaining("invalid auth token");
    }

    @Test
    void simpleTokensEndWhenUnusedOrWhenThePasswordChanges() {
        Tokens tokens = new SimpleTokens(new Ledger(), clock, new SecureRandom(), Duration.ofMinutes(5));
        AuthState users = users(7, "hash");
        String token = tokens.give("eve", users);
        for (int i = 0; i < 3; i++) {
            clock.advance(Duration.ofMinutes(4));
            assertThat(tokens.userOf(token, users(8 + i, "hash"))).isEqualTo("eve");
        }
        clock.advance(Duration.ofMinutes(6));
        assertThatThrownBy(() -> tokens.userOf(token, users)).hasMessageContaining("invalid auth token");
        String second = tokens.give("eve", users);
        assertThatThrownBy(() -> tokens.userOf(second, users(8, "another"))).hasMessageContaining("invalid auth token");
    }

    /** A member that knows what the others gave once it has caught up. */
    private static class Ledger implements SimpleTokens.Ledger {
        private final SignIns signIns = new SignIns();
        private final List<IssueToken> late = new ArrayList<>();

        @Override
        public SignIns signIns() {
            return signIns;
        }

        @Override
        public void issue(IssueToken token) {
            var unused = signIns.add(token);
        }

        @Override
        public void catchUp() {
            late.forEach(this::issue);
            late.clear();
        }
    }

    @Test
    void aSimpleTokenIsKnownToOtherMembers() {
        Ledger other = new Ledger();
        Ledger giver = new Ledger() {
            @Override
            public void issue(IssueToken token) {
                super.issue(token);
                other.late.add(token);
            }
        };
        AuthState users = users(7, "hash");
        String token = new SimpleTokens(giver, clock, new SecureRandom(), Duration.ofMinutes(5)).give("eve", users);
        Tokens there = new SimpleTokens(other, clock, new SecureRandom(), Duration.ofMinutes(5));
        assertThat(there.userOf(token, users)).isEqualTo("eve");
        assertThat(other.signIns.find(ByteString.copyFromUtf8(token)))
                .as("only its hash is kept")
                .isEmpty();
        clock.advance(Duration.ofMinutes(6));
        assertThatThrownBy(() -> there.userOf(token, users)).hasMessageContaining("invalid auth token");
    }

    @Test
    void optionsTellEverythingThatIsWrong() {
        assertThat(TokenOptions.parse("simple")).isEqualTo(TokenOptions.DEFAULT);
        assertThat(TokenOptions.parse("simple,ttl=30s")).isEqualTo(new TokenOptions.Simple(Duration.ofSeconds(30)));
        assertThatThrownBy(() -> TokenOptions.parse("jwt,sign-method=none,ttl=5,moon=full"))
                .hasMessageContaining("sign-method \"none\" is unknown")
                .hasMessageContaining("ttl \"5\" is no time")
                .hasMessageContaining("\"moon=full\" is unknown")
                .hasMessageContaining("priv-key=FILE");
        assertThatThrownBy(() -> TokenOptions.parse("magic")).hasMessageContaining("expected simple or jwt");
        assertThatThrownBy(() -> signed("RS256", directory.resolve("no"), directory.resolve("no")))
                .hasMessageContaining("cannot be used for RS256");
    }
}

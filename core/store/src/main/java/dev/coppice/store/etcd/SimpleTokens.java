package dev.coppice.store.etcd;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.Clock;
import dev.coppice.store.api.User;
import dev.coppice.store.engine.AuthState;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.SignIns;
import dev.coppice.store.engine.SignIns.SignIn;
import dev.coppice.store.log.IssueToken;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;

/**
 * Random tokens, good for some time after their last use. They go through the log, so that all members know them; each member
 * counts its own uses, and forgets all when it ends: clients then sign in again. All as in etcd, but that the log has
 * their hashes only.
 */
final class SimpleTokens implements Tokens {

    /** What tokens need of a keyspace. */
    interface Ledger {
        SignIns signIns();

        /** Makes a token known to all members; known here when it returns. */
        void issue(IssueToken token);

        /** Waits until everything that other members acknowledged is known here. */
        void catchUp();
    }

    private final Ledger ledger;
    private final Clock clock;
    private final SecureRandom random;
    private final Duration ttl;

    SimpleTokens(Ledger ledger, Clock clock, SecureRandom random, Duration ttl) {
        this.ledger = ledger;
        this.clock = clock;
        this.random = random;
        this.ttl = ttl;
    }

    private static ByteString hash(String token) {
        try {
            return ByteString.copyFrom(
                    MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this JDK lacks SHA-256", e);
        }
    }

    @Override
    public String give(String name, AuthState auth) {
        byte[] secret = new byte[18];
        random.nextBytes(secret);
        String token = Base64.getUrlEncoder().withoutPadding().encodeToString(secret) + "." + auth.revision();
        ledger.issue(IssueToken.newBuilder()
                .setTokenHash(hash(token))
                .setUser(ByteString.copyFromUtf8(name))
                .setPassword(auth.user(name).getPassword())
                .setIssuedAt(clock.currentTimeMillis())
                .build());
        return token;
    }

    @Override
    public String userOf(String shown, AuthState auth) {
        ByteString hash = hash(shown);
        SignIns known = ledger.signIns();
        if (known.find(hash).isEmpty()) {
            // Another member gave it, perhaps a moment ago.
            ledger.catchUp();
        }
        SignIn found = known.find(hash).orElseThrow(Errors::invalidToken);
        String name = found.user().toStringUtf8();
        User user = auth.users().get(name);
        if (old(found) || user == null || !user.getPassword().equals(found.password())) {
            known.forget(hash);
            throw Errors.invalidToken();
        }
        known.use(hash, clock.nanoTime());
        return name;
    }

    private boolean old(SignIn signIn) {
        return signIn.used()
                ? clock.nanoTime() - signIn.usedNanos() > ttl.toNanos()
                : clock.currentTimeMillis() - signIn.issuedMillis() > ttl.toMillis();
    }
}

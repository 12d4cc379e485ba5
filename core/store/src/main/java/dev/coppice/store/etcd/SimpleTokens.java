package dev.coppice.store.etcd;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.Clock;
import dev.coppice.store.api.User;
import dev.coppice.store.engine.AuthState;
import dev.coppice.store.engine.Errors;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/** Random tokens, known to this member only, good for some time after their last use. */
final class SimpleTokens implements Tokens {

    private static final int MAX_TOKENS = 10_000;

    /** A token is worth what its user's password was when it was given. */
    private record Token(String user, ByteString password, long lastUsedNanos) {}

    private final Clock clock;
    private final SecureRandom random;
    private final long ttlNanos;
    private final Map<String, Token> tokens = new LinkedHashMap<>();

    SimpleTokens(Clock clock, SecureRandom random, Duration ttl) {
        this.clock = clock;
        this.random = random;
        this.ttlNanos = ttl.toNanos();
    }

    @Override
    public String give(String name, AuthState auth) {
        byte[] secret = new byte[18];
        random.nextBytes(secret);
        String token = Base64.getUrlEncoder().withoutPadding().encodeToString(secret) + "." + auth.revision();
        synchronized (tokens) {
            if (tokens.size() >= MAX_TOKENS) {
                Iterator<String> oldest = tokens.keySet().iterator();
                oldest.next();
                oldest.remove();
            }
            tokens.put(token, new Token(name, auth.user(name).getPassword(), clock.nanoTime()));
        }
        return token;
    }

    @Override
    public String userOf(String shown, AuthState auth) {
        synchronized (tokens) {
            Token token = tokens.remove(shown);
            long now = clock.nanoTime();
            if (token == null || now - token.lastUsedNanos() > ttlNanos) {
                throw Errors.invalidToken();
            }
            User user = auth.users().get(token.user());
            if (user == null || !user.getPassword().equals(token.password())) {
                throw Errors.invalidToken();
            }
            tokens.put(shown, new Token(token.user(), token.password(), now));
            return token.user();
        }
    }
}

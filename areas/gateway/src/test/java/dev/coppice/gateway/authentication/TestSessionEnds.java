package dev.coppice.gateway.authentication;

import dev.coppice.gateway.config.SecurityConfig.ClaimHeader;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.Secret;
import dev.coppice.gateway.config.SecurityConfig.SessionCookies;
import dev.coppice.kernel.Clock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The ended sessions of a gateway that is one client of one issuer, and what an issuer's call does to them. */
public final class TestSessionEnds {
    public static final long LIFETIME = Duration.ofHours(8).toMillis();
    private static final Method.Oidc CLIENT = new Method.Oidc(
            "people",
            "https://issuer.example",
            null,
            null,
            false,
            "shop",
            new Secret("the-secret-of-the-shop-at-the-issuer"),
            false,
            List.of("openid"),
            "/oauth2/callback",
            "/oauth2/logout",
            "/",
            "/oauth2/ended",
            new SessionCookies("s", "Lax", false, List.of(new Secret("0123456789abcdef0123456789abcdef"))),
            LIFETIME,
            List.of("ES256"),
            0,
            List.<ClaimHeader>of(),
            List.of(),
            false);

    private final Clock clock;
    private int tokens;
    public final SessionEnds ends;

    /** One that has no policy yet. */
    public TestSessionEnds(Clock clock, @Nullable Path directory) {
        this.clock = clock;
        this.ends = new SessionEnds(clock, directory, _ -> {});
    }

    public void policy(boolean there) {
        ends.keep(there ? List.of(CLIENT) : List.of());
    }

    public void end(@Nullable String session, @Nullable String subject) throws Exception {
        LogoutToken token = new LogoutToken("t" + tokens++, session, subject, clock.currentTimeMillis() + 60_000);
        ends.of(CLIENT).end(token, LIFETIME);
    }

    public boolean has(@Nullable String session, String subject, long begunMillis) {
        return ends.of(CLIENT).has(session, subject, begunMillis);
    }
}

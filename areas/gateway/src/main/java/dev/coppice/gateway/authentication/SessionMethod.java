package dev.coppice.gateway.authentication;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.gateway.authentication.CheckMessages.Change;
import dev.coppice.gateway.authentication.CheckMessages.HeaderChange;
import dev.coppice.gateway.config.SecurityConfig.ClaimHeader;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.Secret;
import dev.coppice.gateway.config.SecurityConfig.Source;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.OccasionalLine;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Sessions of people whom an issuer has logged in by the authorisation code flow (OpenID Connect Core 1.0, 3.1; RFC 6749, 4.1) with PKCE (RFC
 * 7636). No node keeps anything but which sessions an issuer has ended: a login that has begun, and a session, lie sealed in the browser. Issuers are asked elsewhere, never by
 * the thread that brings a request. Safe for use by many threads.
 */
final class SessionMethod implements AuthenticationMethod {
    private static final System.Logger LOG = System.getLogger(SessionMethod.class.getName());
    private static final String LOGIN = "login";
    private static final String SESSION = "session";
    private static final long LOGIN_SECONDS = 600;
    /** Requests that a browser had sent before it got the new session. */
    private static final long REFRESHED_MILLIS = 60_000;

    private static final int LONGEST_PARAMETER = 4096;
    private static final int LONGEST_HINT = 4096;
    private static final String FORM = "application/x-www-form-urlencoded";
    private static final String LOGOUT_TOKEN = "logout_token=";
    private static final int LONGEST_LOGOUT = 20 << 10;
    private static final Outcome.Header NOT_STORED = new Outcome.Header("Cache-Control", "no-store");
    private static final String UNKNOWN = "the issuer is not known";
    private static final Outcome.Refused ENDED = new Outcome.Refused("the session has ended");

    private final Method.Oidc config;
    private final Issuer issuer;
    private final EndedSessions endedSessions;
    private final Kernel kernel;
    private final SecureRandom random;
    private final Proofs proofs;
    private final Consumer<String> told;
    private final OccasionalLine complaints;
    private final CookieJar cookies;
    private final CookieSeal seal;

    /**
     * Makes one.
     *
     * @param ended the sessions that the issuer has ended
     * @param proofs runs what asks the issuer, and what writes down which sessions it has ended
     * @param told of what becomes of sessions: begun, completed, refused, failed, refreshed, ended, loggedout,
     *     revoked (by the issuer), unrevoked (as its token is not good)
     */
    SessionMethod(
            Method.Oidc config,
            Issuer issuer,
            EndedSessions ended,
            Kernel kernel,
            Proofs proofs,
            Consumer<String> told) {
        this.config = config;
        this.issuer = issuer;
        this.endedSessions = ended;
        this.kernel = kernel;
        this.random = kernel.secureRandom();
        this.proofs = proofs;
        this.told = told;
        this.complaints = new OccasionalLine(LOG, kernel.clock());
        this.cookies = new CookieJar(config.cookies());
        List<byte[]> secrets = config.cookies().keys().stream()
                .map(Secret::value)
                .map(each -> each.getBytes(StandardCharsets.UTF_8))
                .toList();
        // Those of another client or issuer are others, even when somebody gave both the same key.
        this.seal = new CookieSeal(
                secrets,
                config.issuer() + "\n" + config.clientId() + "\n"
                        + config.cookies().name(),
                random);
    }

    @Override
    public void authenticate(CredentialRequest request, Consumer<Outcome> done) {
        if (request.path().equals(config.redirectPath())) {
            complete(request, done);
        } else if (request.path().equals(config.logoutPath())) {
            afterAsking(() -> done.accept(logout(request)));
        } else if (request.path().equals(config.backChannelLogoutPath())) {
            afterAsking(() -> logoutByIssuer(request, done));
        } else {
            session(request, outcome -> {
                if (outcome instanceof Outcome.Known || !navigates(request)) {
                    done.accept(outcome);
                } else {
                    // So that it can be said where to log in.
                    afterAsking(() -> done.accept(
                            issuer.metadata() == null
                                    ? new Outcome.Unavailable(UNKNOWN, outcome instanceof Outcome.Absent)
                                    : outcome));
                }
            });
        }
    }

    /** Goes on once the issuer's metadata is known, or cannot be found out. */
    private void afterAsking(Runnable then) {
        if (issuer.metadata() != null || !issuer.renew(then)) {
            then.run();
        }
    }

    // ---- who has a session

    private void session(CredentialRequest request, Consumer<Outcome> done) {
        String sealed = cookies.session(request);
        if (sealed == null) {
            done.accept(Outcome.Absent.ABSENT);
            return;
        }
        // Before anything is looked at: what is found good now counts until the next session is ended.
        String remembering = endedSessions.number() + "\n" + sealed;
        Outcome.Known remembered = proofs.remembered(remembering);
        if (remembered != null) {
            done.accept(remembered);
            return;
        }
        Session session = opened(sealed);
        long now = kernel.clock().currentTimeMillis();
        if (session == null) {
            done.accept(new Outcome.Refused("the session is not valid"));
        } else if (now >= session.endsMillis() || endedByIssuer(session)) {
            done.accept(ENDED);
        } else if (now < session.freshUntilMillis()) {
            Outcome known = known(session, List.of());
            if (known instanceof Outcome.Known good) {
                proofs.remember(remembering, good, session.freshUntilMillis());
            }
            done.accept(known);
        } else if (session.refreshToken() == null) {
            done.accept(ENDED);
        } else {
            String refreshToken = session.refreshToken();
            // Whatever has ended meanwhile: some issuers take a refresh token once.
            proofs.prove(sealed, REFRESHED_MILLIS, () -> refreshed(session, refreshToken), done);
        }
    }

    private boolean endedByIssuer(Session session) {
        try {
            return endedSessions.has(session.id(), session.claims().path("sub").asText(""), session.begunMillis());
        } catch (SignedToken.MalformedException e) {
            return true;
        }
    }

    private @Nullable Session opened(String sealed) {
        String text = seal.open(SESSION, sealed);
        try {
            return text == null ? null : Session.read(text);
        } catch (IOException e) {
            // Of an earlier version.
            return null;
        }
    }

    private Outcome known(Session session, List<Outcome.Header> toClient) {
        JsonNode claims;
        try {
            claims = session.claims();
        } catch (SignedToken.MalformedException e) {
            return new Outcome.Refused(e.why());
        }
        List<Outcome.Header> headers = TokenMethod.headers(claims, config.headers());
        if (headers == null) {
            return new Outcome.Refused("the claims of the session are too long");
        }
        if (config.forwardAccessToken()) {
            headers.add(new Outcome.Header("authorization", "Bearer " + session.accessToken()));
        }
        return new Outcome.Known(
                new Identity("OIDC", config.name(), claims.path("sub").asText(""), claims),
                headers,
                List.of(),
                toClient.stream()
                        .map(each -> new HeaderChange(Change.APPEND, each.name(), each.value()))
                        .toList());
    }

    /** Blocks. */
    private Outcome refreshed(Session before, String refreshToken) {
        try {
            Session session = issuer.refresh(before, refreshToken);
            List<Outcome.Header> kept = kept(session);
            if (kept == null) {
                tooLarge(session);
                return new Outcome.Refused("the session is too large");
            }
            told.accept("refreshed");
            return known(session, kept);
        } catch (TokenEndpoint.RefusedException e) {
            complain(e.getMessage());
            told.accept("ended");
            return ENDED;
        } catch (IOException e) {
            return failed(e);
        }
    }

    private void complain(@Nullable String why) {
        complaints.warn("sessions of " + config.issuer() + ": " + why);
    }

    private void tooLarge(Session session) {
        complain("a session of " + session.text().length()
                + " characters is too large for cookies; ask for fewer scopes or claims");
        told.accept("refused");
    }

    private Outcome failed(IOException e) {
        complain(e.getMessage());
        told.accept("failed");
        return new Outcome.Unavailable("the issuer cannot be asked");
    }

    private @Nullable List<Outcome.Header> kept(Session session) {
        long seconds = (session.endsMillis() - kernel.clock().currentTimeMillis()) / 1000;
        return cookies.keep(seal.seal(SESSION, session.text()), Math.max(1, seconds));
    }

    // ---- the way to the issuer, and back

    /** Whether it is a page that a person wants to see, and not a call of a program. */
    private static boolean navigates(CredentialRequest request) {
        String mode = first(request, "sec-fetch-mode");
        return (request.method().equals("GET") || request.method().equals("HEAD"))
                && (mode.isEmpty() || mode.equals("navigate"))
                && request.headers("x-requested-with").isEmpty()
                && request.headers("upgrade").isEmpty()
                && first(request, "accept").toLowerCase(Locale.ROOT).contains("text/html");
    }

    private static String first(CredentialRequest request, String header) {
        List<String> values = request.headers(header);
        return values.isEmpty() ? "" : values.getFirst();
    }

    private String origin(CredentialRequest request) {
        return (config.cookies().plainHttp() ? "http://" : "https://") + request.host();
    }

    private String redirectUri(CredentialRequest request) {
        return origin(request) + config.redirectPath();
    }

    @Override
    public Outcome.@Nullable Replied login(CredentialRequest request) {
        IssuerMetadata known = issuer.metadata();
        if (known == null || !navigates(request)) {
            return null;
        }
        int slot = cookies.freeLogin(request, random.nextInt());
        long ends = kernel.clock().currentTimeMillis() + LOGIN_SECONDS * 1000;
        LoginAttempt attempt = LoginAttempt.begin(slot, request.path() + request.query(), ends, random);
        Map<String, String> asked = new LinkedHashMap<>();
        asked.put("response_type", "code");
        asked.put("client_id", config.clientId());
        asked.put("redirect_uri", redirectUri(request));
        asked.put("scope", String.join(" ", config.scopes()));
        asked.put("state", attempt.state());
        asked.put("nonce", attempt.nonce());
        asked.put("code_challenge", attempt.challenge());
        asked.put("code_challenge_method", "S256");
        told.accept("begun");
        return redirect(
                with(known.authorization(), asked),
                List.of(cookies.keepLogin(slot, seal.seal(LOGIN, attempt.text()), LOGIN_SECONDS)));
    }

    private static String with(String uri, Map<String, String> parameters) {
        return uri + (uri.indexOf('?') < 0 ? "?" : "&") + TokenEndpoint.query(parameters);
    }

    private static Outcome.Replied redirect(String to, List<Outcome.Header> cookies) {
        List<Outcome.Header> headers = new ArrayList<>(cookies);
        headers.add(new Outcome.Header("Location", to));
        headers.add(NOT_STORED);
        return new Outcome.Replied(302, headers, "");
    }

    /** The browser is back, with a code or an error (RFC 6749, 4.1.2). */
    private void complete(CredentialRequest request, Consumer<Outcome> done) {
        String state = parameter(request, "state");
        int slot = state.isEmpty() ? -1 : state.charAt(0) - '0';
        String sealed = cookies.login(request, slot);
        LoginAttempt attempt = attempt(sealed);
        if (!request.method().equals("GET")
                || attempt == null
                || !LoginAttempt.same(attempt.state(), state)
                || kernel.clock().currentTimeMillis() >= attempt.endsMillis()) {
            done.accept(rejected(400, "this login was not begun here, or is too old: go back, and try again", -1));
            return;
        }
        String by = parameter(request, "iss");
        if (!by.isEmpty() && !by.equals(config.issuer())) {
            // Another issuer's answer (RFC 9207).
            done.accept(rejected(400, "this login is of another issuer", slot));
            return;
        }
        String code = parameter(request, "code");
        if (code.isEmpty()) {
            done.accept(rejected(403, "the issuer has not let you in", slot));
            return;
        }
        String redirectUri = redirectUri(request);
        proofs.prove("code " + state + " " + code, 0, () -> completed(code, redirectUri, attempt, slot), done);
    }

    private @Nullable LoginAttempt attempt(@Nullable String sealed) {
        String text = sealed == null ? null : seal.open(LOGIN, sealed);
        try {
            return text == null ? null : LoginAttempt.read(text);
        } catch (IOException e) {
            return null;
        }
    }

    /** One that is there once; else empty. */
    private static String parameter(CredentialRequest request, String name) {
        List<String> values = request.parameters(name);
        return values.size() == 1 && values.getFirst().length() <= LONGEST_PARAMETER ? values.getFirst() : "";
    }

    /** Blocks. */
    private Outcome completed(String code, String redirectUri, LoginAttempt attempt, int slot) {
        try {
            Session session = issuer.login(code, redirectUri, attempt);
            List<Outcome.Header> kept = kept(session);
            if (kept == null) {
                tooLarge(session);
                return reply(403, "what the issuer says of you is too large for a session", slot);
            }
            told.accept("completed");
            List<Outcome.Header> all = new ArrayList<>(kept);
            all.add(cookies.forgetLogin(slot));
            return redirect(attempt.to(), all);
        } catch (TokenEndpoint.RefusedException e) {
            complain(e.getMessage());
            return rejected(403, "the login was not accepted: go back, and try again", slot);
        } catch (IOException e) {
            return failed(e);
        }
    }

    /** @param slot of a login that is over; below 0: of none */
    private Outcome rejected(int status, String text, int slot) {
        told.accept("refused");
        return reply(status, text, slot);
    }

    private Outcome.Replied reply(int status, String text, int slot) {
        return new Outcome.Replied(
                status, slot < 0 ? List.of(NOT_STORED) : List.of(NOT_STORED, cookies.forgetLogin(slot)), text);
    }

    /** Ends the session here, and lets the issuer end it where it is known how (OpenID Connect RP-Initiated Logout 1.0, 2). */
    private Outcome logout(CredentialRequest request) {
        IssuerMetadata known = issuer.metadata();
        String sealed = cookies.session(request);
        Session session = sealed == null ? null : opened(sealed);
        String to = config.afterLogoutPath();
        if (session != null && known != null && known.endSession() != null) {
            Map<String, String> told = new LinkedHashMap<>();
            told.put("client_id", config.clientId());
            told.put("post_logout_redirect_uri", origin(request) + config.afterLogoutPath());
            if (session.idToken().length() <= LONGEST_HINT) {
                told.put("id_token_hint", session.idToken());
            }
            to = with(known.endSession(), told);
        }
        told.accept("loggedout");
        return redirect(to, cookies.forget(request));
    }

    /** The issuer says that sessions have ended (OpenID Connect Back-Channel Logout 1.0, 2.5 to 2.8). */
    private void logoutByIssuer(CredentialRequest request, Consumer<Outcome> done) {
        String type = first(request, "content-type").split(";", 2)[0].strip();
        if (!request.method().equals("POST") || !type.equalsIgnoreCase(FORM)) {
            done.accept(unrevoked(400, "expected a POST of " + FORM));
            return;
        }
        request.body(LONGEST_LOGOUT, body -> {
            String token = body == null ? null : logoutToken(new String(body, StandardCharsets.ISO_8859_1));
            if (token == null) {
                done.accept(unrevoked(
                        400, "expected one logout_token, of " + LONGEST_LOGOUT + " bytes at most with its name"));
                return;
            }
            issuer.logout(
                    token,
                    good -> proofs.prove("logout " + token, 0, () -> revoked(good), done),
                    bad -> done.accept(bad instanceof Outcome.Refused refused ? unrevoked(400, refused.why()) : bad));
        });
    }

    /** A token needs no escapes, and a form may have other fields, which do not count. */
    private static @Nullable String logoutToken(String form) {
        String found = null;
        for (String each : form.split("&", -1)) {
            if (each.startsWith(LOGOUT_TOKEN)) {
                if (found != null) {
                    return null;
                }
                found = each.substring(LOGOUT_TOKEN.length());
            }
        }
        return found;
    }

    /** Blocks. */
    private Outcome revoked(LogoutToken token) {
        try {
            endedSessions.end(token, config.lifetimeMillis());
        } catch (EndedSessions.RefusedException e) {
            return unrevoked(e.full ? 503 : 400, String.valueOf(e.getMessage()));
        } catch (IOException e) {
            complain("what the issuer has ended cannot be written down, and would be forgotten with a restart: " + e);
            return unrevoked(503, "it cannot be written down; try again");
        }
        told.accept("revoked");
        return reply(200, "", -1);
    }

    private Outcome unrevoked(int status, String why) {
        complain("logout by the issuer: " + why);
        told.accept("unrevoked");
        return reply(status, why, -1);
    }

    // ---- what it has

    /** There is no scheme of its own; a program that sees it knows at least what is missing. */
    @Override
    public String challenge(String realm, @Nullable String problem) {
        return Challenge.of("OpenIDConnect", realm);
    }

    @Override
    public List<Source> sources() {
        return cookies.sources();
    }

    @Override
    public boolean forwards() {
        return false;
    }

    @Override
    public List<String> owned() {
        return config.headers().stream().map(ClaimHeader::header).toList();
    }

    @Override
    public List<String> ownPaths() {
        return Stream.of(config.redirectPath(), config.logoutPath(), config.backChannelLogoutPath())
                .filter(Objects::nonNull)
                .toList();
    }
}

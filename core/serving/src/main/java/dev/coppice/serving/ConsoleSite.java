package dev.coppice.serving;

import dev.coppice.kernel.Kernel;
import dev.coppice.serving.Sessions.Session;
import gg.jte.TemplateOutput;
import gg.jte.html.HtmlInterceptor;
import gg.jte.html.OwaspHtmlTemplateOutput;
import gg.jte.output.StringOutput;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * The console: pages in a frame, behind a login. Mount it at {@code /console} on a listener; requests that the listener
 * authenticated already (a bearer token, a client certificate) need no session. Safe for use by many threads.
 */
public final class ConsoleSite implements Console, Handler {
    /** Where it is mounted. */
    public static final String PREFIX = "/console";

    private static final String COOKIE = "coppice-session";
    private static final int MAX_SESSIONS = 10_000;
    private static final Duration VERIFY_AGAIN = Duration.ofMinutes(1);
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; "
            + "style-src-attr 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
            + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

    /** Forms need no hidden fields: the origin of a request is checked by its headers. */
    private static final HtmlInterceptor NO_INTERCEPTOR = new HtmlInterceptor() {
        @Override
        public void onHtmlTagOpened(String name, Map<String, Object> attributes, TemplateOutput output) {}

        @Override
        public void onHtmlTagClosed(String name, TemplateOutput output) {}
    };

    private final Kernel kernel;
    private final Authenticator authenticator;
    private final String product;
    private final String footnote;
    private final Sessions sessions;
    private final ConsoleAssets assets = new ConsoleAssets();
    private final ConcurrentSkipListMap<String, Page> pages = new ConcurrentSkipListMap<>();
    private final PageLayout layout = new FramedLayout();
    private final LiveStreams streams;
    private final LoginLimiter limiter;

    /**
     * @param authenticator says who a bearer token is; asked at login, and again while a session lasts
     * @param product in the top bar, such as {@code Coppice}
     * @param footnote below the navigation, such as the node's name and version
     */
    public ConsoleSite(Kernel kernel, Authenticator authenticator, String product, String footnote) {
        this.kernel = kernel;
        this.authenticator = authenticator;
        this.product = product;
        this.footnote = footnote;
        this.sessions = new Sessions(kernel, MAX_SESSIONS);
        this.limiter = new LoginLimiter(kernel.clock());
        this.streams = new LiveStreams(kernel, layout);
    }

    /** Mounts the console at {@link #PREFIX}. */
    public Routes.Mount mountOn(Routes routes) {
        return routes.mount(PREFIX, this);
    }

    @Override
    public Routes.Mount add(Page page) {
        if (page.path().isEmpty() || page.path().startsWith("/") || page.path().endsWith("/")) {
            throw new IllegalArgumentException("the path \"" + page.path()
                    + "\" of a console page must be relative to /console/, such as \"health\"");
        }
        if (pages.putIfAbsent(page.path(), page) != null) {
            throw new IllegalStateException("a console page at " + page.path() + " is there already");
        }
        return () -> pages.remove(page.path(), page);
    }

    @Override
    public LiveStreams streams() {
        return streams;
    }

    @Override
    public PageLayout layout() {
        return layout;
    }

    @Override
    public void handle(Exchange exchange) throws Exception {
        String path = exchange.path().substring(PREFIX.length());
        if (path.startsWith("/assets/")) {
            assets.serve(exchange, path.substring("/assets/".length()));
            return;
        }
        secure(exchange);
        Optional<Session> session = cookie(exchange).flatMap(sessions::find).flatMap(s -> verified(exchange, s));
        session.ifPresent(s -> exchange.setIdentity(s.identity()));
        if (!CrossOrigin.allowed(exchange, session.map(Session::csrfToken).orElse(""))) {
            message(
                    exchange,
                    403,
                    "Refused",
                    "This request came from a page of another site, or from an old page. Reload and try again.");
        } else if (path.equals("/login")) {
            login(exchange);
        } else if (path.equals("/logout") && exchange.method().equals("POST")) {
            logout(exchange, session);
        } else if (!exchange.identity().authenticated()) {
            demandLogin(exchange);
        } else {
            page(exchange, path);
        }
    }

    private static void secure(Exchange exchange) {
        exchange.setHeader("Content-Security-Policy", POLICY)
                .setHeader("X-Content-Type-Options", "nosniff")
                .setHeader("Referrer-Policy", "same-origin")
                .setHeader("Cross-Origin-Opener-Policy", "same-origin")
                .setHeader("Cache-Control", "no-store");
    }

    private void page(Exchange exchange, String path) throws Exception {
        String below = path.startsWith("/") ? path.substring(1) : path;
        if (below.isEmpty()) {
            List<Page> ordered =
                    ordered().values().stream().flatMap(List::stream).toList();
            if (ordered.isEmpty()) {
                message(exchange, 404, "Nothing here yet", "No part of Coppice has added a page.");
            } else {
                redirect(exchange, PREFIX + "/" + ordered.getFirst().path());
            }
            return;
        }
        Page page = find(below);
        if (page == null) {
            message(exchange, 404, "Not found", "There is no console page at this address.");
            return;
        }
        page.handler().handle(exchange);
    }

    private @org.jspecify.annotations.Nullable Page find(String below) {
        String prefix = below;
        while (!prefix.isEmpty()) {
            Page page = pages.get(prefix);
            if (page != null) {
                return page;
            }
            prefix = prefix.substring(0, Math.max(0, prefix.lastIndexOf('/')));
        }
        return null;
    }

    // --- login

    private void login(Exchange exchange) throws IOException {
        if (exchange.method().equals("GET") || exchange.method().equals("HEAD")) {
            if (exchange.identity().authenticated()) {
                redirect(exchange, safeReturn(exchange.query("return").orElse("")));
                return;
            }
            loginPage(exchange, 200, "", exchange.query("return").orElse(""));
            return;
        }
        if (!exchange.method().equals("POST")) {
            message(exchange, 405, "Not allowed", "Sign in with a form.");
            return;
        }
        Form form = Form.read(exchange);
        String returnTo = form.value("return").orElse("");
        String token = form.value("token").orElse("").strip();
        if (limiter.refuses(exchange.remoteAddress())) {
            exchange.setHeader("Retry-After", "60");
            loginPage(exchange, 429, "Too many failed sign-ins. Wait a minute, then try again.", returnTo);
            return;
        }
        Identity identity = verify(exchange, token).orElse(Identity.ANONYMOUS);
        if (token.isEmpty() || !identity.authenticated()) {
            limiter.failed(exchange.remoteAddress());
            loginPage(exchange, 401, "This token is not valid. Check that it is whole, and of this node.", returnTo);
            return;
        }
        Session session = sessions.open(identity, token);
        cookie(exchange, session.id(), 86_400);
        redirect(exchange, safeReturn(returnTo));
    }

    private void logout(Exchange exchange, Optional<Session> session) throws IOException {
        session.ifPresent(s -> sessions.close(s.id()));
        cookie(exchange, "", 0);
        redirect(exchange, PREFIX + "/login");
    }

    private static void cookie(Exchange exchange, String value, int maxAgeSeconds) {
        exchange.addHeader(
                "Set-Cookie",
                COOKIE + "=" + value + "; Path=" + PREFIX + "; HttpOnly; SameSite=Strict; Max-Age=" + maxAgeSeconds
                        + (exchange.secure() ? "; Secure" : ""));
    }

    private Optional<Identity> verify(Exchange exchange, String token) {
        try {
            return Optional.of(authenticator.authenticate(new CredentialExchange(exchange, token)))
                    .filter(Identity::authenticated);
        } catch (Authenticator.UnauthenticatedException e) {
            return Optional.empty();
        }
    }

    /** Whether who opened an event stream may still see it. An open page does not keep its session from idling. */
    private boolean stillSignedIn(Exchange exchange) {
        Optional<String> cookie = cookie(exchange);
        if (cookie.isPresent()
                && cookie.flatMap(sessions::peek)
                        .flatMap(session -> verified(exchange, session))
                        .isPresent()) {
            return true;
        }
        try {
            return authenticator.authenticate(exchange).authenticated();
        } catch (Authenticator.UnauthenticatedException e) {
            return false;
        }
    }

    private Optional<Session> verified(Exchange exchange, Session session) {
        Instant now = kernel.clock().now();
        if (now.isBefore(session.verifiedAt().plus(VERIFY_AGAIN))) {
            return Optional.of(session);
        }
        // A token that was revoked ends its sessions, too.
        Optional<Session> verified = verify(exchange, session.token()).map(identity -> session.verified(identity, now));
        verified.ifPresentOrElse(sessions::replace, () -> sessions.close(session.id()));
        return verified;
    }

    private static Optional<String> cookie(Exchange exchange) {
        for (String header : exchange.headers("Cookie")) {
            for (String pair : header.split(";", -1)) {
                String text = pair.strip();
                if (text.startsWith(COOKIE + "=")) {
                    return Optional.of(text.substring(COOKIE.length() + 1));
                }
            }
        }
        return Optional.empty();
    }

    private void demandLogin(Exchange exchange) throws IOException {
        boolean navigation = exchange.method().equals("GET")
                && exchange.header("HX-Request").isEmpty()
                && !exchange.header("Accept").orElse("").contains("text/event-stream");
        if (!navigation) {
            exchange.status(401).send("text/plain; charset=utf-8", "401 sign in at /console/login\n");
            return;
        }
        String here = exchange.rawPath() + (exchange.rawQuery().isEmpty() ? "" : "?" + exchange.rawQuery());
        redirect(exchange, PREFIX + "/login?return=" + URLEncoder.encode(here, StandardCharsets.UTF_8));
    }

    /** Only paths of the console: never an open redirect. */
    private static String safeReturn(String wanted) {
        boolean inside = wanted.equals(PREFIX) || wanted.startsWith(PREFIX + "/");
        return inside && wanted.chars().allMatch(c -> c > 0x20 && c < 0x7f && c != '\\') ? wanted : PREFIX;
    }

    private static void redirect(Exchange exchange, String location) throws IOException {
        exchange.status(303).setHeader("Location", location).sendEmpty();
    }

    // --- rendering

    private Map<String, List<Page>> ordered() {
        Map<String, List<Page>> groups = new LinkedHashMap<>();
        pages.values().stream()
                .sorted(Comparator.comparingInt(Page::order).thenComparing(Page::title))
                .forEach(page -> groups.computeIfAbsent(page.group(), g -> new ArrayList<>())
                        .add(page));
        return groups;
    }

    private ConsoleFrame frame(Exchange exchange) {
        String path = exchange.path();
        List<ConsoleFrame.Group> groups = new ArrayList<>();
        ordered()
                .forEach((title, members) -> groups.add(new ConsoleFrame.Group(
                        title,
                        members.stream()
                                .map(page -> {
                                    String href = PREFIX + "/" + page.path();
                                    return new ConsoleFrame.Link(
                                            page.title(), href, path.equals(href) || path.startsWith(href + "/"));
                                })
                                .toList())));
        Optional<Session> session = cookie(exchange).flatMap(sessions::find);
        return new ConsoleFrame(
                product,
                footnote,
                exchange.identity().name(),
                session.isPresent(),
                session.map(Session::csrfToken).orElse(""),
                groups,
                assets);
    }

    private interface Template {
        void render(OwaspHtmlTemplateOutput output);
    }

    private static String render(Template template) {
        TemplateOutput output = new StringOutput(8_192);
        template.render(new OwaspHtmlTemplateOutput(output));
        return output.toString();
    }

    private static void html(Exchange exchange, String body) throws IOException {
        exchange.send("text/html; charset=utf-8", body);
    }

    private void loginPage(Exchange exchange, int status, String error, String returnTo) throws IOException {
        exchange.status(status);
        html(exchange, render(out -> JteloginGenerated.render(out, NO_INTERCEPTOR, frame(exchange), error, returnTo)));
    }

    private void message(Exchange exchange, int status, String heading, String text) throws IOException {
        exchange.status(status);
        String content = render(out -> JtemessageGenerated.render(out, NO_INTERCEPTOR, status, heading, text));
        if (exchange.identity().authenticated()) {
            layout.send(exchange, heading, content);
        } else {
            exchange.send("text/plain; charset=utf-8", status + " " + text + "\n");
        }
    }

    private final class FramedLayout implements PageLayout {
        @Override
        public void send(Exchange exchange, String title, String content) throws IOException {
            html(
                    exchange,
                    render(out -> JtelayoutGenerated.render(out, NO_INTERCEPTOR, frame(exchange), title, content)));
        }

        @Override
        public void sendFragment(Exchange exchange, String content) throws IOException {
            html(exchange, content);
        }

        @Override
        public EventStream events(Exchange exchange) throws IOException {
            return new ServerSentEvents(kernel, exchange, () -> stillSignedIn(exchange));
        }
    }
}

package dev.coppice.control.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Authorizer;
import dev.coppice.control.access.Impersonation;
import dev.coppice.control.access.RequestLimits;
import dev.coppice.control.audit.AuditLog;
import dev.coppice.control.audit.AuditedExchange;
import dev.coppice.control.engine.Caller;
import dev.coppice.control.history.History;
import dev.coppice.control.plan.Plans;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.RequestPath;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.resource.Subresource;
import dev.coppice.serving.ClientGoneException;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import dev.coppice.serving.Identity;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The door of the resource API: impersonation, authorization, routing, errors. Safe for use by many threads. */
public final class ApiHandler {
    private static final Logger LOG = System.getLogger(ApiHandler.class.getName());
    /** Paths that tell whether the node lives, also when it is busy. */
    private static final Set<String> PROBES = Set.of("/healthz", "/livez", "/readyz");

    private static final String NOT_FOUND = "404 page not found\n";
    static final String TEXT = "text/plain; charset=utf-8";
    /** Extra attributes that can be impersonated. */
    private static final List<String> EXTRA_HEADERS = List.of("Impersonate-Extra-Scopes", "Impersonate-Extra-Reason");

    private final Registry registry;
    private final Authorizer authorizer;
    private final ResourceHandler resources;
    private final Discovery discovery;
    private final OpenApi openApi;
    private final Health health;
    private final RequestLimits limits;
    private final AuditLog audit;
    private final TokenIssuer issuer;
    private final PlanHandler plans;

    /** Whether the node is ready to serve. */
    @FunctionalInterface
    public interface Health {
        boolean ready();
    }

    public ApiHandler(
            Registry registry,
            Authorizer authorizer,
            ResourceHandler resources,
            OpenApi openApi,
            Health health,
            RequestLimits limits,
            AuditLog audit,
            TokenIssuer issuer,
            Plans plans) {
        this.issuer = issuer;
        this.plans = new PlanHandler(plans);
        this.limits = limits;
        this.audit = audit;
        this.registry = registry;
        this.authorizer = authorizer;
        this.resources = resources;
        this.discovery = new Discovery(registry);
        this.openApi = openApi;
        this.health = health;
    }

    /** Answers a request for any path of the API. */
    public void handle(Exchange exchange) throws Exception {
        answer(exchange, this::dispatch);
    }

    /** A handler beside the API that sees who the request is to be treated as: impersonation is resolved. */
    public Handler impersonating(Handler handler) {
        return exchange -> answer(exchange, e -> {
            impersonate(e);
            handler.handle(e);
        });
    }

    /** The same for those only who may use the path with the request's method. */
    public Handler guarded(Handler handler) {
        return impersonating(exchange -> {
            checkPath(exchange.identity(), exchange);
            handler.handle(exchange);
        });
    }

    /** Records that the credentials of a request were refused, before any handler saw it. */
    public void refused(Exchange exchange) {
        RequestPath path = resourcePath(exchange);
        audit.refused(exchange, verb(exchange, path), path);
    }

    private static String verb(Exchange exchange, @Nullable RequestPath path) {
        return path == null
                ? exchange.method().toLowerCase(Locale.ROOT)
                : path.verb(exchange.method(), watching(exchange));
    }

    /** Runs a handler, recorded if the audit policy says so. */
    private void answer(Exchange exchange, Handler handler) throws Exception {
        RequestPath path = resourcePath(exchange);
        AuditedExchange audited = audit.begin(exchange, verb(exchange, path), path);
        if (audited == null) {
            run(exchange, handler);
            return;
        }
        try {
            run(audited, handler);
        } finally {
            audited.complete();
        }
    }

    /** Runs a handler and turns what it throws into answers. */
    private static void run(Exchange exchange, Handler handler) throws Exception {
        try {
            handler.handle(exchange);
        } catch (ApiException e) {
            sendStatus(exchange, e.status(), e.code());
        } catch (Impersonation.NoUserException e) {
            exchange.status(500)
                    .send(
                            TEXT,
                            "Internal Server Error: " + Statuses.quote(exchange.path()) + ": " + e.getMessage() + "\n");
        } catch (ClientGoneException e) {
            throw e;
        } catch (RuntimeException e) {
            AuditedExchange.panicked(exchange);
            LOG.log(Level.ERROR, "a request failed: " + exchange.method() + " " + exchange.rawPath(), e);
            if (!exchange.committed()) {
                ApiException internal = Statuses.internal(String.valueOf(e.getMessage()));
                sendStatus(exchange, internal.status(), internal.code());
            }
        }
    }

    static void sendStatus(Exchange exchange, ObjectNode status, int code) throws IOException {
        if (exchange.committed()) {
            return;
        }
        exchange.status(code).setHeader("Content-Type", "application/json");
        if (code == 401) {
            exchange.setHeader("WWW-Authenticate", "Bearer realm=\"coppice\"");
        }
        long retry = status.path("details").path("retryAfterSeconds").asLong(0);
        if (retry > 0) {
            exchange.setHeader("Retry-After", Long.toString(retry));
        }
        exchange.send(Json.bytes(status));
    }

    private void dispatch(Exchange exchange) throws IOException, Impersonation.NoUserException {
        impersonate(exchange);
        boolean counted = !watching(exchange) && !watchPath(exchange.path()) && !PROBES.contains(exchange.path());
        try (RequestLimits.Permit _ = counted ? limits.enter(exchange.identity()) : RequestLimits.Permit.FREE) {
            serve(exchange);
        }
    }

    private static boolean watching(Exchange exchange) {
        return exchange.query("watch")
                .map(w -> !w.equals("0") && !w.equals("false"))
                .orElse(false);
    }

    /** Whether it is one of the old paths that say watch themselves. */
    private static boolean watchPath(String path) {
        List<String> parts = segments(path);
        int at = !parts.isEmpty() && parts.getFirst().equals("api") ? 2 : 3;
        return parts.size() > at && parts.get(at).equals("watch");
    }

    private void serve(Exchange exchange) throws IOException {
        Identity identity = exchange.identity();
        String agent = exchange.header("User-Agent").orElse("");
        Caller caller = Caller.of(identity, agent, AuditedExchange.annotations(exchange))
                .asking(requestId(exchange));
        RequestPath path = resourcePath(exchange);
        List<String> parts = segments(exchange.path());
        if (parts.size() >= 2 && parts.getFirst().equals("apis") && parts.get(1).equals(History.GROUP)) {
            resources.history().handle(exchange, parts.subList(2, parts.size()));
        } else if (parts.size() >= 2
                && parts.getFirst().equals("apis")
                && parts.get(1).equals(Plans.GROUP)) {
            plans.handle(exchange, agent, parts.subList(2, parts.size()));
        } else if (path != null) {
            resource(exchange, caller, path);
        } else if (parts.isEmpty() && exchange.header("Accept").orElse("").contains("text/html")) {
            exchange.status(302).setHeader("Location", "/console/").sendEmpty();
        } else {
            checkPath(identity, exchange);
            other(exchange, parts);
        }
    }

    /** The resource that a request is about; null for other paths. */
    private static @Nullable RequestPath resourcePath(Exchange exchange) {
        List<String> parts = segments(exchange.path());
        if (parts.size() >= 3 && parts.getFirst().equals("api")) {
            return RequestPath.of("", parts.get(1), parts.subList(2, parts.size()));
        }
        if (parts.size() >= 4 && parts.getFirst().equals("apis")) {
            return RequestPath.of(parts.get(1), parts.get(2), parts.subList(3, parts.size()));
        }
        return null;
    }

    /** By which the journal, and the client that gave it, name a request that may change something. */
    private String requestId(Exchange exchange) {
        if (exchange.method().equals("GET")) {
            return "";
        }
        String audited = AuditedExchange.id(exchange);
        if (audited != null) {
            return audited;
        }
        String id = exchange.header("Audit-ID")
                .filter(given -> given.matches("[A-Za-z0-9._-]{1,64}"))
                .orElseGet(resources::newRequestId);
        Exchange _ = exchange.setHeader("Audit-Id", id);
        return id;
    }

    private void impersonate(Exchange exchange) throws Impersonation.NoUserException {
        exchange.setIdentity(Impersonation.effective(exchange, exchange.identity(), authorizer, EXTRA_HEADERS));
    }

    private static List<String> segments(String path) {
        List<String> parts = new ArrayList<>(Arrays.asList(path.split("/")));
        parts.removeIf(String::isEmpty);
        return parts;
    }

    private void checkPath(Identity identity, Exchange exchange) {
        String verb = exchange.method().toLowerCase(Locale.ROOT);
        Authorizer.Decision decision = authorizer.authorizePath(identity, verb, exchange.path());
        AuditedExchange.decided(exchange, decision.allowed(), decision.reason());
        if (!decision.allowed()) {
            throw Statuses.forbidden(
                    "",
                    "",
                    "",
                    "User " + Statuses.quote(identity.name()) + " cannot " + verb + " path "
                            + Statuses.quote(exchange.path()));
        }
    }

    private void other(Exchange exchange, List<String> parts) throws IOException {
        switch (exchange.path()) {
            case "/.well-known/openid-configuration" -> {
                issuer.configuration(exchange);
                return;
            }
            case "/openid/v1/jwks" -> {
                issuer.keys(exchange);
                return;
            }
            default -> {}
        }
        String first = parts.isEmpty() ? "" : parts.getFirst();
        switch (first) {
            case "" -> index(exchange);
            case "api" -> {
                if (parts.size() == 1) {
                    versions(exchange, true);
                } else {
                    document(exchange, discovery.resources("", parts.get(1)));
                }
            }
            case "apis" -> {
                switch (parts.size()) {
                    case 1 -> versions(exchange, false);
                    case 2 -> document(exchange, discovery.group(parts.get(1)));
                    default -> document(exchange, discovery.resources(parts.get(1), parts.get(2)));
                }
            }
            case "version" -> exchange.status(200).send("application/json", Json.text(version()));
            case "healthz", "livez" -> exchange.status(200).send(TEXT, "ok");
            case "readyz" -> {
                boolean ready = health.ready();
                exchange.status(ready ? 200 : 500).send(TEXT, ready ? "ok" : "not ready");
            }
            case "openapi" -> openApi.handle(exchange, parts.subList(1, parts.size()));
            default -> notFound(exchange);
        }
    }

    static void notFound(Exchange exchange) throws IOException {
        exchange.status(404).setHeader("X-Content-Type-Options", "nosniff");
        exchange.send(TEXT, NOT_FOUND);
    }

    private void versions(Exchange exchange, boolean core) throws IOException {
        if (MediaType.aggregatedDiscovery(exchange.header("Accept").orElse(""))) {
            send(exchange, discovery.aggregated(core), Discovery.AGGREGATED_TYPE);
        } else {
            MediaType _ = MediaType.of(exchange.header("Accept").orElse(""));
            send(
                    exchange,
                    core ? discovery.coreVersions(exchange.header("Host").orElse("localhost")) : discovery.groupList(),
                    "application/json");
        }
    }

    private static void document(Exchange exchange, java.util.Optional<Discovery.Document> document)
            throws IOException {
        if (document.isEmpty()) {
            notFound(exchange);
        } else {
            send(exchange, document.get(), "application/json");
        }
    }

    static void send(Exchange exchange, Discovery.Document document, String type) throws IOException {
        exchange.setHeader("ETag", document.etag()).setHeader("Vary", "Accept");
        if (exchange.header("If-None-Match").orElse("").contains(document.etag())) {
            exchange.status(304).sendEmpty();
            return;
        }
        exchange.status(200).setHeader("Content-Type", type);
        exchange.send(document.body());
    }

    private void index(Exchange exchange) throws IOException {
        ObjectNode index = Json.object();
        var paths = index.putArray("paths");
        paths.add("/api").add("/api/v1").add("/apis");
        List<String> more = new ArrayList<>();
        for (Definition d : registry.snapshot().all()) {
            if (!d.group().isEmpty()) {
                more.add("/apis/" + d.group());
                more.add("/apis/" + d.group() + "/" + d.version());
            }
        }
        more.stream().distinct().sorted().forEach(paths::add);
        List.of(
                        "/.well-known/openid-configuration",
                        "/healthz",
                        "/livez",
                        "/openapi/v2",
                        "/openapi/v3",
                        "/openid/v1/jwks",
                        "/readyz",
                        "/version")
                .forEach(paths::add);
        exchange.status(200).send("application/json", Json.text(index));
    }

    private static ObjectNode version() {
        return Json.object()
                .put("major", "1")
                .put("minor", "32")
                .put("gitVersion", "v1.32.13+coppice")
                .put("gitCommit", "")
                .put("gitTreeState", "clean")
                .put("buildDate", "1970-01-01T00:00:00Z")
                .put("goVersion", "")
                .put("compiler", "javac")
                .put("platform", "java/" + Runtime.version().feature());
    }

    private void resource(Exchange exchange, Caller caller, RequestPath path) throws IOException {
        String verb = path.verb(exchange.method(), watching(exchange));
        authorize(exchange, caller.identity(), path, verb);
        Definition d = registry.find(path.group(), path.version(), path.resource());
        if (d == null || !scopeFits(d, path, verb)) {
            notFound(exchange);
            return;
        }
        if (!d.deprecation().isEmpty()) {
            caller.warn(d.deprecation());
        }
        Subresource sub = path.subresource().isEmpty() ? null : d.subresource(path.subresource());
        if (!path.subresource().isEmpty() && sub == null) {
            if (d.custom()) {
                throw Statuses.noSuchPath();
            }
            notFound(exchange);
            return;
        }
        checkVerb(d, sub, path, verb);
        resources.handle(exchange, caller, d, path, verb);
    }

    private static boolean scopeFits(Definition d, RequestPath path, String verb) {
        if (!d.namespaced()) {
            // A namespace lies in itself, and in no other: rights in one namespace give none over the others.
            boolean itself = d.plural().equals("namespaces")
                    && d.group().isEmpty()
                    && path.namespace().equals(path.name());
            return path.namespace().isEmpty() || itself;
        }
        if (!path.namespace().isEmpty()) {
            return true;
        }
        return path.name().isEmpty() && (verb.equals("list") || verb.equals("watch"));
    }

    private void authorize(Exchange exchange, Identity identity, RequestPath path, String verb) {
        String resource = path.subresource().isEmpty() ? path.resource() : path.resource() + "/" + path.subresource();
        var action = new Authorizer.Action(verb, path.group(), resource, path.namespace(), path.name());
        Authorizer.Decision decision = authorizer.authorize(identity, action);
        AuditedExchange.decided(exchange, decision.allowed(), decision.reason());
        if (!decision.allowed()) {
            throw Statuses.forbidden(
                    path.group(), path.resource(), path.name(), Impersonation.refusal(identity, action));
        }
    }

    private static void checkVerb(Definition d, @Nullable Subresource sub, RequestPath path, String verb) {
        List<String> allowed = sub != null ? sub.verbs() : d.verbs();
        boolean fits = allowed.contains(verb);
        if (sub == null && verb.equals("create") && !path.name().isEmpty()) {
            fits = false;
        }
        if (sub == null
                && (verb.equals("update") || verb.equals("patch"))
                && path.name().isEmpty()) {
            fits = false;
        }
        if (fits) {
            return;
        }
        if (d.computed() != null) {
            String what = sub == null ? d.plural() : d.plural() + "/" + sub.name();
            throw Statuses.computed(d.group(), what, verb, allowed);
        }
        if (d.custom() && sub != null) {
            throw Statuses.methodNotSupported(d.group(), d.plural(), verb);
        }
        throw Statuses.methodNotAllowed();
    }
}

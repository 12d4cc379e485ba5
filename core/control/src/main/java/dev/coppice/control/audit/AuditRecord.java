package dev.coppice.control.audit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.RequestPath;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Identity;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What is recorded of one request, stage by stage. Used by the request's thread. */
final class AuditRecord {
    /** Larger events are recorded without their objects. */
    static final int LARGEST = 10 << 20;

    private static final int LONGEST_ID = 64;
    private static final int MOST_SOURCES = 20;
    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

    private final Kernel kernel;
    private final Consumer<ObjectNode> log;
    private final AuditPolicy.Decision decision;
    private final String id;
    private final String uri;
    private final String verb;
    private final @Nullable RequestPath resource;
    private final Identity identity;
    private final List<String> sources;
    private final String agent;
    private final Instant received;
    private final Map<String, String> annotations = new ConcurrentHashMap<>();
    private @Nullable Identity impersonated;
    private @Nullable ObjectNode reference;
    private @Nullable JsonNode request;
    private @Nullable JsonNode response;
    private @Nullable ObjectNode status;
    private boolean truncated;
    private boolean panic;

    AuditRecord(
            Kernel kernel,
            Consumer<ObjectNode> log,
            AuditPolicy.Decision decision,
            Exchange exchange,
            Identity identity,
            String verb,
            @Nullable RequestPath resource) {
        this.kernel = kernel;
        this.log = log;
        this.decision = decision;
        this.verb = verb;
        this.resource = resource;
        this.identity = identity;
        this.received = kernel.clock().now();
        this.id = exchange.header("Audit-ID")
                .filter(i -> !i.isBlank())
                .map(AuditRecord::bounded)
                .orElseGet(this::fresh);
        this.uri = exchange.rawPath() + (exchange.rawQuery().isEmpty() ? "" : "?" + exchange.rawQuery());
        this.agent = exchange.header("User-Agent").orElse("");
        this.sources = sources(exchange);
        this.reference = resource == null ? null : reference(resource);
    }

    private static String bounded(String id) {
        return id.length() > LONGEST_ID ? id.substring(0, LONGEST_ID) : id;
    }

    private String fresh() {
        long high = kernel.random().nextLong() & ~0xf000L | 0x4000L;
        long low = kernel.random().nextLong() & ~(3L << 62) | 1L << 63;
        return new UUID(high, low).toString();
    }

    /** Where it came from, by what proxies say first; what they say is nothing to rely on. */
    private static List<String> sources(Exchange exchange) {
        Set<String> found = new LinkedHashSet<>();
        for (String header : exchange.headers("X-Forwarded-For")) {
            for (String each : header.split(",", MOST_SOURCES + 1)) {
                if (each.strip().matches("[0-9a-fA-F.:]{2,45}") && found.size() < MOST_SOURCES) {
                    found.add(each.strip());
                }
            }
        }
        exchange.header("X-Real-Ip")
                .filter(i -> i.matches("[0-9a-fA-F.:]{2,45}"))
                .ifPresent(found::add);
        found.add(exchange.remoteAddress());
        return List.copyOf(found);
    }

    private static ObjectNode reference(RequestPath path) {
        ObjectNode reference = Json.object();
        put(reference, "resource", path.resource());
        put(reference, "namespace", path.namespace());
        put(reference, "name", path.name());
        put(reference, "apiGroup", path.group());
        put(reference, "apiVersion", path.version());
        put(reference, "subresource", path.subresource());
        return reference;
    }

    private static void put(ObjectNode to, String field, String value) {
        if (!value.isEmpty() && !to.has(field)) {
            to.put(field, value);
        }
    }

    String id() {
        return id;
    }

    Map<String, String> annotations() {
        return annotations;
    }

    void actAs(Identity other) {
        impersonated = other.equals(identity) ? null : other;
    }

    /** The body, decoded; it may be changed afterwards. */
    void request(JsonNode body) {
        if (reference != null) {
            JsonNode meta = body.path("metadata");
            put(reference, "name", meta.path("name").asText(""));
            put(reference, "namespace", meta.path("namespace").asText(""));
            put(reference, "uid", meta.path("uid").asText(""));
            put(reference, "resourceVersion", meta.path("resourceVersion").asText(""));
        }
        if (decision.level().atLeast(AuditLevel.REQUEST) && resource != null) {
            request = clean(body.deepCopy());
        }
    }

    /** The answer of a request that is over. */
    void response(int code, @Nullable JsonNode body) {
        if (body != null && body.path("kind").asText().equals("Status")) {
            status = status(code);
            for (String field : List.of("status", "message", "reason", "details")) {
                if (body.has(field)) {
                    status.set(field, body.get(field).deepCopy());
                }
            }
        }
        if (body != null && wantsResponse()) {
            response = clean(body);
        }
    }

    /** Whether an answer of that size is too large; the event has no objects then (kube-apiserver: truncated). */
    boolean tooLarge(int bytes) {
        truncated = bytes > LARGEST;
        return truncated;
    }

    boolean wantsResponse() {
        return decision.level().atLeast(AuditLevel.REQUEST_RESPONSE) && resource != null;
    }

    private static ObjectNode status(int code) {
        ObjectNode status = Json.object();
        status.putObject("metadata");
        return status.put("code", code);
    }

    /** Without what must not be seen (tokens, whatever the policy says), or is not wanted. */
    private JsonNode clean(JsonNode body) {
        if (body instanceof ObjectNode object && resource != null) {
            if (decision.omitManagedFields()) {
                withoutManagedFields(object);
                object.path("items").forEach(AuditRecord::withoutManagedFields);
            }
            if (resource.resource().equals("tokenreviews")) {
                without(object, "spec");
            }
            if (resource.subresource().equals("token")) {
                without(object, "status");
            }
        }
        return body;
    }

    private static void without(ObjectNode object, String part) {
        if (object.get(part) instanceof ObjectNode holder && holder.has("token")) {
            holder.put("token", "");
        }
    }

    private static void withoutManagedFields(JsonNode object) {
        if (object.path("metadata") instanceof ObjectNode meta) {
            meta.remove("managedFields");
        }
    }

    void panicked() {
        panic = true;
    }

    // ---- stages

    void received() {
        write(AuditStage.REQUEST_RECEIVED, null);
    }

    void started(int code) {
        write(AuditStage.RESPONSE_STARTED, status(code));
    }

    /** It is over. */
    void complete(boolean answered, int code) {
        ObjectNode told = status;
        if (told == null) {
            told = status(answered ? code : 200);
            if (!answered) {
                told.put("status", "Success").put("message", "Connection closed early");
            }
        }
        write(panic ? AuditStage.PANIC : AuditStage.RESPONSE_COMPLETE, told);
    }

    void unauthenticated() {
        write(
                AuditStage.RESPONSE_STARTED,
                status(401).put("status", "Failure").put("message", "Authentication failed, attempted: bearer"));
    }

    private void write(AuditStage stage, @Nullable ObjectNode told) {
        if (decision.omitStages().contains(stage)) {
            return;
        }
        ObjectNode event = Json.object()
                .put("kind", "Event")
                .put("apiVersion", AuditPolicyReader.API_VERSION)
                .put("level", decision.level().text())
                .put("auditID", id)
                .put("stage", stage.text())
                .put("requestURI", uri)
                .put("verb", verb);
        event.set("user", user(identity));
        if (impersonated != null) {
            event.set("impersonatedUser", user(impersonated));
        }
        event.set("sourceIPs", Json.array(sources));
        put(event, "userAgent", agent);
        if (reference != null) {
            event.set("objectRef", reference);
        }
        if (told != null) {
            event.set("responseStatus", told);
        }
        if (truncated) {
            annotations.put("audit.k8s.io/truncated", "true");
        } else {
            objects(event);
        }
        event.put("requestReceivedTimestamp", TIME.format(received))
                .put("stageTimestamp", TIME.format(kernel.clock().now()));
        if (!annotations.isEmpty()) {
            ObjectNode noted = event.putObject("annotations");
            new TreeMap<>(annotations).forEach(noted::put);
        }
        log.accept(event);
    }

    private void objects(ObjectNode event) {
        if (request != null) {
            event.set("requestObject", request);
        }
        if (response != null) {
            event.set("responseObject", response);
        }
    }

    private static ObjectNode user(Identity who) {
        ObjectNode user = Json.object();
        put(user, "username", who.name());
        put(user, "uid", who.uid());
        if (!who.groups().isEmpty()) {
            user.set("groups", Json.array(who.groups()));
        }
        if (!who.extra().isEmpty()) {
            ObjectNode extra = user.putObject("extra");
            new TreeMap<>(who.extra()).forEach((key, values) -> {
                ArrayNode list = extra.putArray(key);
                values.forEach(list::add);
            });
        }
        return user;
    }
}

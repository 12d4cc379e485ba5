package dev.coppice.control.access;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Authorizer;
import dev.coppice.control.engine.Caller;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.Target;
import dev.coppice.control.keys.SigningKeys;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.schema.Cause;
import dev.coppice.serving.Identity;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The reviews, which have no objects: who am I, what may I do; and tokens of service accounts. Safe for many threads. */
public final class AccessReviews {
    private static final long HOUR = 3_600;
    private static final long MIN_SECONDS = 600;
    private static final long MAX_SECONDS = 1L << 32;

    private final RoleAuthorizer authorizer;
    private final RequestAuthenticator authenticator;
    private final ServiceAccountTokens tokens;
    private final Engine engine;

    public AccessReviews(
            RoleAuthorizer authorizer, RequestAuthenticator authenticator, ServiceAccountTokens tokens, Engine engine) {
        this.authorizer = authorizer;
        this.authenticator = authenticator;
        this.tokens = tokens;
        this.engine = engine;
    }

    /** Answers a POST of a review or of a sub-resource that is an action. */
    public ObjectNode create(Target target, ObjectNode body, Caller caller) {
        ObjectNode answer = body.deepCopy();
        if (target.subresource().equals("token")) {
            return token(target, answer);
        }
        String kind = target.definition().kind();
        answer.put("kind", kind).put("apiVersion", target.definition().apiVersion());
        ObjectNode meta = Json.metadata(answer);
        meta.putNull("creationTimestamp");
        return switch (kind) {
            case "SelfSubjectReview" -> {
                meta.put("creationTimestamp", engine.now());
                answer.remove("spec");
                answer.putObject("status").set("userInfo", user(caller.identity()));
                yield answer;
            }
            case "TokenReview" -> tokenReview(answer);
            case "SelfSubjectAccessReview" -> access(answer, caller.identity());
            case "SubjectAccessReview" -> access(answer, subject(answer.path("spec")));
            case "LocalSubjectAccessReview" -> {
                String asked = answer.path("spec")
                        .path("resourceAttributes")
                        .path("namespace")
                        .asText("");
                if (!asked.equals(target.namespace())) {
                    throw Statuses.invalid(
                            "authorization.k8s.io",
                            "LocalSubjectAccessReview",
                            "",
                            List.of(Cause.invalid(
                                    "spec.resourceAttributes.namespace",
                                    asked,
                                    "must match metadata.namespace: " + target.namespace())));
                }
                yield access(answer, subject(answer.path("spec")));
            }
            case "SelfSubjectRulesReview" -> rules(answer, caller.identity());
            default -> throw Statuses.methodNotAllowed();
        };
    }

    private static ObjectNode user(Identity identity) {
        ObjectNode user = Json.object().put("username", identity.name());
        if (!identity.uid().isEmpty()) {
            user.put("uid", identity.uid());
        }
        user.set("groups", Json.array(identity.groups()));
        if (!identity.extra().isEmpty()) {
            ObjectNode extra = user.putObject("extra");
            identity.extra().forEach((k, v) -> extra.set(k, Json.array(v)));
        }
        return user;
    }

    private ObjectNode tokenReview(ObjectNode review) {
        String token = Json.text(review, "spec", "token");
        Optional<Identity> found = token.isEmpty() ? Optional.empty() : authenticator.identify(token);
        ObjectNode status = review.putObject("status");
        if (found.isPresent()) {
            status.put("authenticated", true).set("user", user(found.get()));
        } else {
            status.put("authenticated", false).put("error", "the token is not known, or no longer valid");
        }
        return review;
    }

    private static Identity subject(JsonNode spec) {
        String user = spec.path("user").asText("");
        List<String> groups = Json.list(spec.path("groups"));
        if (user.isEmpty() && groups.isEmpty()) {
            throw Statuses.invalid(
                    "authorization.k8s.io",
                    "",
                    "",
                    List.of(Cause.invalid("spec.user", "", "at least one of user or group must be specified")));
        }
        Map<String, List<String>> extra = new LinkedHashMap<>();
        spec.path("extra").properties().forEach(e -> extra.put(e.getKey(), Json.list(e.getValue())));
        return new Identity(user, spec.path("uid").asText(""), groups, extra);
    }

    private ObjectNode access(ObjectNode review, Identity identity) {
        JsonNode spec = review.path("spec");
        JsonNode resource = spec.get("resourceAttributes");
        JsonNode path = spec.get("nonResourceAttributes");
        if ((resource == null) == (path == null)) {
            throw Statuses.invalid(
                    "authorization.k8s.io",
                    "",
                    "",
                    List.of(Cause.invalidShown(
                            "spec.resourceAttributes",
                            "null",
                            "exactly one of nonResourceAttributes or resourceAttributes must be specified")));
        }
        Authorizer.Decision decision;
        if (resource != null) {
            String sub = resource.path("subresource").asText("");
            String plural = resource.path("resource").asText("");
            decision = authorizer.authorize(
                    identity,
                    new Authorizer.Action(
                            resource.path("verb").asText(""),
                            resource.path("group").asText(""),
                            sub.isEmpty() ? plural : plural + "/" + sub,
                            resource.path("namespace").asText(""),
                            resource.path("name").asText("")));
        } else {
            JsonNode at = java.util.Objects.requireNonNull(path);
            decision = authorizer.authorizePath(
                    identity, at.path("verb").asText(""), at.path("path").asText(""));
        }
        ObjectNode status = review.putObject("status").put("allowed", decision.allowed());
        if (!decision.reason().isEmpty()) {
            status.put("reason", decision.reason());
        }
        return review;
    }

    private ObjectNode rules(ObjectNode review, Identity identity) {
        String namespace = Json.text(review, "spec", "namespace");
        ObjectNode status = review.putObject("status");
        ArrayNode resources = status.putArray("resourceRules");
        ArrayNode paths = status.putArray("nonResourceRules");
        for (RoleAuthorizer.Rule rule : authorizer.rules(identity, namespace)) {
            ObjectNode shown = rule.paths().isEmpty() ? resources.addObject() : paths.addObject();
            shown.set("verbs", Json.array(rule.verbs()));
            if (rule.paths().isEmpty()) {
                shown.set("apiGroups", Json.array(rule.groups()));
                shown.set("resources", Json.array(rule.resources()));
                if (!rule.names().isEmpty()) {
                    shown.set("resourceNames", Json.array(rule.names()));
                }
            } else {
                shown.set("nonResourceURLs", Json.array(rule.paths()));
            }
        }
        status.put("incomplete", false);
        return review;
    }

    private ObjectNode token(Target target, ObjectNode request) {
        ObjectNode account = engine.read(Target.of(target.definition(), target.namespace(), target.name()));
        if (account == null) {
            throw target.notFound();
        }
        ObjectNode spec = Json.child(request, "spec");
        long seconds = spec.path("expirationSeconds").asLong(HOUR);
        if (seconds < MIN_SECONDS || seconds > MAX_SECONDS) {
            throw Statuses.invalid(
                    "authentication.k8s.io",
                    "TokenRequest",
                    "",
                    List.of(Cause.invalid(
                            "spec.expirationSeconds",
                            seconds,
                            seconds < MIN_SECONDS
                                    ? "may not specify a duration less than 10 minutes"
                                    : "may not specify a duration larger than 2^32 seconds")));
        }
        seconds = Math.min(seconds, SigningKeys.LONGEST_TOKEN.toSeconds());
        ServiceAccountTokens.Issued issued = tokens.issue(account, Json.list(spec.path("audiences")), seconds);
        request.put("kind", "TokenRequest").put("apiVersion", "authentication.k8s.io/v1");
        Json.metadata(request)
                .put("name", target.name())
                .put("namespace", target.namespace())
                .put("creationTimestamp", engine.now());
        spec.put("expirationSeconds", seconds);
        request.putObject("status")
                .put("token", issued.token())
                .put(
                        "expirationTimestamp",
                        DateTimeFormatter.ISO_INSTANT.format(
                                Instant.ofEpochSecond(issued.expires().getEpochSecond())));
        return request;
    }
}

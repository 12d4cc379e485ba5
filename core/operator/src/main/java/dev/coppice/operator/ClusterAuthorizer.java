package dev.coppice.operator;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Authorizer;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.request.Json;
import dev.coppice.kernel.Clock;
import dev.coppice.serving.Identity;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Asks a cluster who may do what, by SubjectAccessReviews. An answer holds for 10 seconds, as a change of roles is to be seen
 * soon; while the cluster does not answer, nothing is allowed. Safe for use by many threads.
 */
public final class ClusterAuthorizer implements Authorizer {
    private static final ResourceType REVIEWS = new ResourceType("authorization.k8s.io", "v1", "subjectaccessreviews");
    private static final long HOLDS_NANOS = Duration.ofSeconds(10).toNanos();
    private static final int KEPT = 1_024;

    private record Question(Identity identity, ObjectNode attributes, String field) {}

    private record Known(Decision decision, long atNanos) {}

    private final ResourceClient client;
    private final Clock clock;
    private final Map<Question, Known> known = new LinkedHashMap<>(64, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Question, Known> eldest) {
            return size() > KEPT;
        }
    };

    public ClusterAuthorizer(ResourceClient client, Clock clock) {
        this.client = client;
        this.clock = clock;
    }

    @Override
    public Decision authorize(Identity identity, Action action) {
        return ask(new Question(identity, attributes(action), "resourceAttributes"));
    }

    @Override
    public Decision authorizePath(Identity identity, String verb, String path) {
        ObjectNode attributes = Json.object().put("verb", verb).put("path", path);
        return ask(new Question(identity, attributes, "nonResourceAttributes"));
    }

    /** An action as reviews name it. */
    static ObjectNode attributes(Action action) {
        ObjectNode attributes = Json.object();
        String[] parts = action.resource().split("/", 2);
        attributes.put("verb", action.verb()).put("group", action.group()).put("resource", parts[0]);
        if (parts.length == 2) {
            attributes.put("subresource", parts[1]);
        }
        if (!action.namespace().isEmpty()) {
            attributes.put("namespace", action.namespace());
        }
        if (!action.name().isEmpty()) {
            attributes.put("name", action.name());
        }
        return attributes;
    }

    private Decision ask(Question question) {
        long now = clock.nanoTime();
        synchronized (known) {
            Known before = known.get(question);
            if (before != null && now - before.atNanos() < HOLDS_NANOS) {
                return before.decision();
            }
        }
        Decision decision;
        try {
            ObjectNode answer = client.create(REVIEWS, review(question));
            decision = new Decision(
                    answer.path("status").path("allowed").asBoolean(false), Json.text(answer, "status", "reason"));
        } catch (ApiException e) {
            return new Decision(false, "the cluster could not be asked: " + e.getMessage());
        }
        synchronized (known) {
            known.put(question, new Known(decision, now));
        }
        return decision;
    }

    private static ObjectNode review(Question question) {
        ObjectNode review = Json.object();
        review.put("apiVersion", "authorization.k8s.io/v1").put("kind", "SubjectAccessReview");
        ObjectNode spec = review.putObject("spec");
        spec.put("user", question.identity().name());
        spec.set("groups", Json.array(question.identity().groups()));
        if (!question.identity().uid().isEmpty()) {
            spec.put("uid", question.identity().uid());
        }
        ObjectNode extra = Json.object();
        question.identity().extra().forEach((key, values) -> extra.set(key, Json.array(values)));
        if (!extra.isEmpty()) {
            spec.set("extra", extra);
        }
        spec.set(question.field(), question.attributes().deepCopy());
        return review;
    }
}

package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Authorizer;
import dev.coppice.control.admission.AdmissionWebhooks.Webhook;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.webhook.WebhookClient;
import dev.coppice.control.webhook.WebhookException;
import dev.coppice.kernel.Kernel;
import dev.coppice.schema.patch.JsonPatch;
import dev.coppice.schema.patch.PatchException;
import java.io.IOException;
import java.util.Base64;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Asks one webhook about one request (admission.k8s.io v1 or v1beta1). Safe for use by many threads. */
final class AdmissionReview {
    private static final List<String> VERSIONS = List.of("v1", "v1beta1");
    private static final String GROUP = "admission.k8s.io/";

    private final Kernel kernel;
    private final WebhookClient client;
    private final RequestMatcher matcher;
    private final Authorizer authorizer;

    AdmissionReview(Kernel kernel, WebhookClient client, RequestMatcher matcher, Authorizer authorizer) {
        this.kernel = kernel;
        this.client = client;
        this.matcher = matcher;
        this.authorizer = authorizer;
    }

    /** The request as the webhook sees it, or null when it is not about it. */
    Admission.@Nullable Request matched(Webhook webhook, Admission.Request request) {
        Admission.Request seen =
                webhook.spec().path("rules").isEmpty() ? null : matcher.match(webhook.spec(), "rules", request);
        if (seen == null) {
            return null;
        }
        try {
            var namespace = matcher.namespace(request);
            return webhook.applies(seen, namespace == null ? null : namespace.tree(), authorizer) ? seen : null;
        } catch (MatchConditions.ConditionException e) {
            if (!webhook.failClosed()) {
                return null;
            }
            throw Statuses.forbidden(
                    request.target().definition().group(),
                    request.target().definition().plural(),
                    request.target().name(),
                    String.valueOf(e.getMessage()));
        }
    }

    /**
     * The response of a webhook that allows the request; null when it could not be asked and that is to be ignored.
     *
     * @throws ApiException when it denies, or could not be asked
     */
    @Nullable
    JsonNode ask(Webhook webhook, Admission.Request request, boolean mutating) {
        if (request.dryRun() && !webhook.safeForDryRun()) {
            throw Statuses.badRequest(
                    "admission webhook " + Statuses.quote(webhook.name()) + " does not support dry run");
        }
        JsonNode response;
        try {
            response = call(webhook, request, mutating);
        } catch (WebhookException e) {
            if (!webhook.failClosed()) {
                request.caller()
                        .annotate(
                                "failed-open." + (mutating ? "mutation" : "validation") + ".webhook.admission.k8s.io",
                                webhook.name() + ": " + e.getMessage());
                return null;
            }
            throw Statuses.internal("failed calling webhook " + Statuses.quote(webhook.name()) + ": " + e.getMessage());
        }
        AdmissionWebhooks.annotate(request, webhook, response);
        AdmissionWebhooks.warn(request, response);
        if (!response.path("allowed").asBoolean(false)) {
            throw denied(webhook, response.path("status"));
        }
        request.caller()
                .asked((mutating ? "mutating" : "validating") + " webhook '" + webhook.name() + "' of '"
                        + webhook.configuration() + "'" + (response.hasNonNull("patch") ? ", which changes it" : ""));
        return response;
    }

    private JsonNode call(Webhook webhook, Admission.Request request, boolean mutating) throws WebhookException {
        List<String> accepted = Json.list(webhook.spec().path("admissionReviewVersions"));
        String version = accepted.stream()
                .filter(VERSIONS::contains)
                .findFirst()
                .orElseThrow(() ->
                        new WebhookException("webhook does not accept known AdmissionReview versions (v1, v1beta1)"));
        String uid = kernel.uuid().toString();
        ObjectNode review = Json.object().put("kind", "AdmissionReview").put("apiVersion", GROUP + version);
        ObjectNode described = request.describe(uid);
        described.set("object", request.object());
        described.set("oldObject", request.old());
        review.set("request", described);
        ObjectNode answer =
                client.call("admission", webhook.spec().path("clientConfig"), review, webhook.timeoutSeconds());
        check(answer, version, uid, mutating);
        return answer.path("response");
    }

    private static void check(ObjectNode answer, String version, String uid, boolean mutating) throws WebhookException {
        JsonNode response = answer.path("response");
        if (!response.isObject()) {
            throw new WebhookException("received invalid webhook response: webhook response was absent");
        }
        if (version.equals("v1beta1")) {
            return;
        }
        String kind = answer.path("apiVersion").asText() + ", Kind="
                + answer.path("kind").asText();
        String wanted = GROUP + version + ", Kind=AdmissionReview";
        if (!kind.equals(wanted)) {
            throw new WebhookException(
                    "received invalid webhook response: expected webhook response of " + wanted + ", got " + kind);
        }
        if (!response.path("uid").asText().equals(uid)) {
            throw new WebhookException("received invalid webhook response: expected response.uid=" + Statuses.quote(uid)
                    + ", got " + Statuses.quote(response.path("uid").asText()));
        }
        String type = response.path("patchType").asText("");
        boolean patch = response.hasNonNull("patch");
        if (!mutating) {
            if (patch || !type.isEmpty()) {
                throw new WebhookException(
                        "received invalid webhook response: validating webhook may not return response."
                                + (patch ? "patch" : "patchType"));
            }
        } else if (patch && !type.equals("JSONPatch")) {
            throw new WebhookException("received invalid webhook response: "
                    + (type.isEmpty()
                            ? "webhook returned response.patch but not response.patchType"
                            : "webhook returned invalid response.patchType of " + Statuses.quote(type)));
        } else if (!patch && !type.isEmpty()) {
            throw new WebhookException(
                    "received invalid webhook response: webhook returned response.patchType but not response.patch");
        }
    }

    private static ApiException denied(Webhook webhook, JsonNode given) {
        ObjectNode status = Json.object().put("kind", "Status").put("apiVersion", "v1");
        if (given instanceof ObjectNode own) {
            status.setAll(own);
        }
        status.set("metadata", Json.object());
        status.put("status", "Failure");
        int code = status.path("code").asInt(0);
        status.put("code", code < 400 || code > 599 ? 400 : code);
        String deniedBy = "admission webhook " + Statuses.quote(webhook.name()) + " denied the request";
        String message = status.path("message").asText("");
        String reason = status.path("reason").asText("");
        String why = message.isEmpty() ? reason : message;
        status.put("message", why.isEmpty() ? deniedBy + " without explanation" : deniedBy + ": " + why);
        return new ApiException(status);
    }

    /** The object after the response's patch; null when it has none. */
    static @Nullable ObjectNode patched(Webhook webhook, ObjectNode object, JsonNode response) {
        if (!response.hasNonNull("patch")) {
            return null;
        }
        try {
            JsonNode patch = Json.mapper()
                    .readTree(Base64.getDecoder().decode(response.path("patch").asText()));
            if (JsonPatch.apply(object, patch) instanceof ObjectNode changed) {
                return changed;
            }
            throw unusable(webhook, "it does not leave an object");
        } catch (IOException | IllegalArgumentException | PatchException e) {
            throw unusable(webhook, String.valueOf(e.getMessage()));
        }
    }

    private static ApiException unusable(Webhook webhook, String why) {
        return Statuses.internal("the patch of webhook " + Statuses.quote(webhook.name()) + " cannot be used: " + why);
    }
}

package dev.coppice.control.webhook;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Conversion;
import dev.coppice.kernel.Kernel;
import java.util.ArrayList;
import java.util.List;

/**
 * Converts by asking a webhook (apiextensions.k8s.io ConversionReview, v1 or v1beta1), many objects at a time. Objects that have
 * the version already are not sent. Of metadata, a webhook may change labels and annotations only. Safe for use by many threads.
 */
public final class WebhookConversion implements Conversion {
    private static final String GROUP = "apiextensions.k8s.io/";
    private static final List<String> VERSIONS = List.of("v1", "v1beta1");
    private static final int TIMEOUT_SECONDS = 30;
    private static final int MOST_AT_ONCE = 500;

    private final Kernel kernel;
    private final WebhookClient client;
    private final JsonNode webhook;

    /** @param webhook {@code spec.conversion.webhook} of a definition */
    public WebhookConversion(Kernel kernel, WebhookClient client, JsonNode webhook) {
        this.kernel = kernel;
        this.client = client;
        this.webhook = webhook;
    }

    @Override
    public List<ObjectNode> convert(List<ObjectNode> objects, String apiVersion) {
        List<ObjectNode> result = new ArrayList<>(objects);
        List<Integer> places = new ArrayList<>();
        for (int i = 0; i < objects.size(); i++) {
            if (!objects.get(i).path("apiVersion").asText().equals(apiVersion)) {
                places.add(i);
            }
        }
        for (int from = 0; from < places.size(); from += MOST_AT_ONCE) {
            List<Integer> some = places.subList(from, Math.min(places.size(), from + MOST_AT_ONCE));
            List<ObjectNode> before = some.stream().map(objects::get).toList();
            List<ObjectNode> after = ask(before, apiVersion);
            for (int i = 0; i < some.size(); i++) {
                result.set(some.get(i), after.get(i));
            }
        }
        return result;
    }

    private List<ObjectNode> ask(List<ObjectNode> before, String apiVersion) {
        String kind = before.getFirst().path("kind").asText();
        try {
            List<String> accepted = Json.list(webhook.path("conversionReviewVersions"));
            String version = accepted.stream()
                    .filter(VERSIONS::contains)
                    .findFirst()
                    .orElseThrow(() -> new WebhookException("webhook does not accept known ConversionReview versions"));
            String uid = kernel.uuid().toString();
            ObjectNode review = Json.object().put("kind", "ConversionReview").put("apiVersion", GROUP + version);
            ObjectNode request = review.putObject("request").put("uid", uid).put("desiredAPIVersion", apiVersion);
            ArrayNode objects = request.putArray("objects");
            before.forEach(objects::add);
            JsonNode response = client.call("conversion", webhook.path("clientConfig"), review, TIMEOUT_SECONDS)
                    .path("response");
            return checked(before, response, uid, apiVersion);
        } catch (WebhookException e) {
            throw Statuses.unknown("conversion webhook for "
                    + before.getFirst().path("apiVersion").asText() + ", Kind=" + kind + " failed: " + e.getMessage());
        }
    }

    private static List<ObjectNode> checked(List<ObjectNode> before, JsonNode response, String uid, String apiVersion)
            throws WebhookException {
        if (!response.isObject()) {
            throw new WebhookException("the webhook's answer has no response");
        }
        if (!response.path("uid").asText().equals(uid)) {
            throw new WebhookException("expected response.uid=" + Statuses.quote(uid) + ", got "
                    + Statuses.quote(response.path("uid").asText()));
        }
        JsonNode result = response.path("result");
        if (!result.path("status").asText().equals("Success")) {
            String message = result.path("message").asText("");
            throw new WebhookException(message.isEmpty() ? "the webhook answered no Success" : message);
        }
        JsonNode converted = response.path("convertedObjects");
        if (converted.size() != before.size()) {
            throw new WebhookException("expected " + before.size() + " converted objects, got " + converted.size());
        }
        List<ObjectNode> after = new ArrayList<>();
        for (int i = 0; i < before.size(); i++) {
            after.add(one(before.get(i), converted.get(i), i, apiVersion));
        }
        return after;
    }

    private static ObjectNode one(ObjectNode before, JsonNode converted, int at, String apiVersion)
            throws WebhookException {
        String place = "invalid converted object at index " + at + ": ";
        if (!(converted instanceof ObjectNode after)) {
            throw new WebhookException(place + "it is no object");
        }
        if (!after.path("apiVersion").asText().equals(apiVersion)) {
            throw new WebhookException(place + "expected apiVersion " + apiVersion + ", got "
                    + after.path("apiVersion").asText());
        }
        if (!after.path("kind").equals(before.path("kind"))) {
            throw new WebhookException(
                    place + "its kind differs: " + after.path("kind").asText());
        }
        for (String field : List.of("name", "namespace", "uid")) {
            if (!Json.text(after, "metadata", field).equals(Json.text(before, "metadata", field))) {
                throw new WebhookException(place + "metadata." + field + " differs");
            }
        }
        ObjectNode meta = before.path("metadata").deepCopy();
        for (String field : List.of("labels", "annotations")) {
            JsonNode value = after.path("metadata").path(field);
            if (value.isObject() && !value.isEmpty()) {
                meta.set(field, value);
            } else {
                meta.remove(field);
            }
        }
        after.set("metadata", meta);
        return after;
    }
}

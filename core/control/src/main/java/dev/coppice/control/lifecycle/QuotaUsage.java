package dev.coppice.control.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler.Result;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.ResourceClient.ServedType;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Counts what ResourceQuotas bound, into their status. Admission adds what is created; this takes off what was deleted,
 * sets right what admission missed a second later, and counts anew every five minutes. Compute resources count as unused until Pods run.
 */
final class QuotaUsage {

    static final ResourceType QUOTAS = new ResourceType("", "v1", "resourcequotas");
    private static final Duration ANEW = Duration.ofMinutes(5);

    /** Names from before {@code count/…}, all of the core group. */
    private static final Set<String> LEGACY = Set.of(
            "configmaps",
            "secrets",
            "services",
            "pods",
            "persistentvolumeclaims",
            "replicationcontrollers",
            "resourcequotas");

    private final ResourceClient client;

    QuotaUsage(ResourceClient client) {
        this.client = client;
    }

    /** The type, as {@code plural} or {@code plural.group}, that a bound counts; empty when it counts something else. */
    static Optional<String> counted(String bound) {
        if (bound.startsWith("count/")) {
            return Optional.of(bound.substring("count/".length()));
        }
        return LEGACY.contains(bound) ? Optional.of(bound) : Optional.empty();
    }

    /** The types that a quota counts. */
    static List<String> types(ObjectNode quota) {
        return quota.path("spec").path("hard").properties().stream()
                .flatMap(each -> counted(each.getKey()).stream())
                .distinct()
                .toList();
    }

    Result count(Key key) {
        Optional<ObjectNode> found = client.get(QUOTAS, key.namespace(), key.name());
        if (found.isEmpty() || found.get().path("metadata").hasNonNull("deletionTimestamp")) {
            return Result.DONE;
        }
        ObjectNode quota = found.get();
        JsonNode hard = quota.path("spec").path("hard");
        Map<String, Integer> counts = counts(quota, key.namespace());
        ObjectNode status = JsonNodeFactory.instance.objectNode();
        ObjectNode used = JsonNodeFactory.instance.objectNode();
        hard.fieldNames()
                .forEachRemaining(name -> used.put(
                        name, Integer.toString(counted(name).map(counts::get).orElse(0))));
        if (!hard.isMissingNode()) {
            status.set("hard", hard);
        }
        status.set("used", used);
        if (!status.equals(quota.path("status"))) {
            ObjectNode next = quota.deepCopy();
            next.set("status", status);
            ObjectNode _ =
                    client.updateStatus(QUOTAS, next); // fails, and is tried again, when admission wrote meanwhile
        }
        return Result.again(ANEW);
    }

    private Map<String, Integer> counts(ObjectNode quota, String namespace) {
        Map<String, ServedType> served =
                client.types().stream().collect(Collectors.toMap(QuotaUsage::label, type -> type, (first, _) -> first));
        Map<String, Integer> counts = new HashMap<>();
        for (String type : types(quota)) {
            ServedType known = served.get(type);
            int number = known == null || !known.namespaced()
                    ? 0
                    : client.list(known.type(), Query.namespace(namespace))
                            .items()
                            .size();
            counts.put(type, number);
        }
        return counts;
    }

    static String label(ServedType served) {
        return dev.coppice.control.runtime.Reflector.label(served.type());
    }
}

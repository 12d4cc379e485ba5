package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler;
import dev.coppice.gateway.control.CoreKinds.Nothing;
import dev.coppice.gateway.mesh.ServiceAddresses;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Writes the address that a Service gets into it, and tells by an event why it gets none. */
final class ServiceAddressReconciler implements Reconciler<Nothing, Nothing> {
    private final Function<Key, ServiceAddresses.@Nullable Outcome> outcomes;

    ServiceAddressReconciler(Function<Key, ServiceAddresses.@Nullable Outcome> outcomes) {
        this.outcomes = outcomes;
    }

    @Override
    public Result reconcile(Request<Nothing, Nothing> request) {
        ServiceAddresses.Outcome outcome = outcomes.apply(request.key());
        if (outcome == null || request.resource().isEmpty()) {
            return Result.DONE;
        }
        ObjectNode service = request.resource().get().tree();
        switch (outcome) {
            case ServiceAddresses.Has _ -> {}
            case ServiceAddresses.Gets gets -> {
                if (service.path("spec").path("clusterIP").asText("").isEmpty()) {
                    write(request, service, gets.address());
                }
            }
            case ServiceAddresses.Refused refused ->
                request.resources().event(service, "Warning", refused.reason(), refused.message());
        }
        return Result.DONE;
    }

    private static void write(Request<Nothing, Nothing> request, ObjectNode service, String address) {
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        // Whoever made it another type meanwhile was right.
        patch.putObject("metadata")
                .put(
                        "resourceVersion",
                        service.path("metadata").path("resourceVersion").asText());
        patch.putObject("spec").put("clusterIP", address).putArray("clusterIPs").add(address);
        try {
            ObjectNode _ = request.resources()
                    .mergePatch(
                            CoreKinds.SERVICE.type(),
                            request.key().namespace(),
                            request.key().name(),
                            null,
                            patch);
        } catch (ApiException e) {
            if (e.code() != 404) {
                throw e;
            }
        }
    }
}

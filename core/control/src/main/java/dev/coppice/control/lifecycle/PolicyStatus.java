package dev.coppice.control.lifecycle;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler.Result;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.admission.TypeChecker;
import java.util.Optional;

/** Writes into the status of ValidatingAdmissionPolicies what is doubtful about their expressions, once a generation. */
final class PolicyStatus {
    static final ResourceType POLICIES =
            new ResourceType("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies");

    private final ResourceClient client;
    private final TypeChecker checker;

    PolicyStatus(ResourceClient client, TypeChecker checker) {
        this.client = client;
        this.checker = checker;
    }

    /** Whether the policy changed since it was looked at. */
    static boolean due(ObjectNode policy) {
        return !policy.path("metadata").hasNonNull("deletionTimestamp")
                && policy.path("status").path("observedGeneration").asLong(0)
                        != policy.path("metadata").path("generation").asLong(0);
    }

    Result check(Key key) {
        Optional<ObjectNode> found = client.get(POLICIES, "", key.name());
        if (found.isEmpty() || !due(found.get())) {
            return Result.DONE;
        }
        ObjectNode policy = found.get();
        ArrayNode warnings = checker.warnings(policy.path("spec"));
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        ObjectNode status = patch.putObject("status");
        status.put(
                "observedGeneration", policy.path("metadata").path("generation").asLong());
        ObjectNode checking = status.putObject("typeChecking");
        if (warnings.isEmpty()) {
            checking.putNull("expressionWarnings");
        } else {
            checking.set("expressionWarnings", warnings);
        }
        try {
            ObjectNode _ = client.mergePatch(POLICIES, "", key.name(), "status", patch);
        } catch (ApiException e) {
            if (e.code() != 404) {
                throw e;
            }
        }
        return Result.DONE;
    }
}

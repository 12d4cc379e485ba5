package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Statuses;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * What the annotation of a definition says of its approval, which groups of Kubernetes' own need.
 *
 * @param bypassed it says that there is none, which is allowed
 */
public record ApiApproval(boolean approved, boolean bypassed, String message) {
    static final String ANNOTATION = "api-approved.kubernetes.io";
    private static final String POLICY = ", see https://github.com/kubernetes/enhancements/pull/1111";

    /** Null for groups that need none. */
    public static @Nullable ApiApproval of(ObjectNode crd) {
        String group = crd.path("spec").path("group").asText("");
        if (!group.equals("k8s.io")
                && !group.endsWith(".k8s.io")
                && !group.equals("kubernetes.io")
                && !group.endsWith(".kubernetes.io")) {
            return null;
        }
        String text = crd.path("metadata").path("annotations").path(ANNOTATION).asText("");
        String needed = "protected groups must have approval annotation " + Statuses.quote(ANNOTATION);
        if (text.isEmpty()) {
            return new ApiApproval(false, false, needed + POLICY);
        }
        if (text.startsWith("unapproved")) {
            return new ApiApproval(false, true, "not approved: " + Statuses.quote(text));
        }
        if (isUrl(text)) {
            return new ApiApproval(true, false, "approved in " + text);
        }
        return new ApiApproval(
                false, false, needed + " with either a URL or a reason starting with \"unapproved\"" + POLICY);
    }

    private static boolean isUrl(String text) {
        try {
            URI uri = URI.create(text);
            return uri.getScheme() != null && uri.getHost() != null;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}

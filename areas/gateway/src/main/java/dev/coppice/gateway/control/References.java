package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.gateway.kind.ObjectReference;
import dev.coppice.gateway.kind.SecretReference;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Looks up what Gateways and ListenerSets refer to. */
final class References {

    /** Why a reference leads nowhere. */
    record Problem(String reason, String message) {}

    private final ClusterView cluster;
    private final Grants grants;

    References(ClusterView cluster, Grants grants) {
        this.cluster = cluster;
        this.grants = grants;
    }

    /** A certificate with its key; null when the reference is good. */
    @Nullable
    Problem certificate(String kind, String namespace, SecretReference reference, String reason) {
        String in = reference.namespace() == null ? namespace : reference.namespace();
        String what = reference.kindOrDefault() + " " + in + "/" + reference.name();
        if (!reference.groupOrDefault().isEmpty() || !reference.kindOrDefault().equals("Secret")) {
            return new Problem(
                    reason,
                    "certificates come from Secrets of the core group, not from "
                            + (reference.groupOrDefault().isEmpty() ? "" : reference.groupOrDefault() + "/") + what);
        }
        if (!grants.allow(kind, namespace, "", "Secret", in, reference.name())) {
            return notPermitted(kind, namespace, what, in);
        }
        Optional<ObjectNode> secret = cluster.secret(new Key(in, reference.name()));
        if (secret.isEmpty()) {
            return new Problem(reason, what + " does not exist");
        }
        String problem = Certificates.problemOfSecret(secret.get());
        return problem == null ? null : new Problem(reason, what + " " + problem);
    }

    /** Certificates of authorities that clients' certificates are checked with; null when the reference is good. */
    @Nullable
    Problem authorities(String kind, String namespace, ObjectReference reference) {
        String in = reference.namespace() == null ? namespace : reference.namespace();
        String what = reference.kind() + " " + in + "/" + reference.name();
        if (!reference.group().isEmpty() || !reference.kind().equals("ConfigMap")) {
            return new Problem(
                    "InvalidCACertificateKind",
                    "certificates of authorities come from ConfigMaps of the core group, not from "
                            + (reference.group().isEmpty() ? "" : reference.group() + "/") + what);
        }
        if (!grants.allow(kind, namespace, "", "ConfigMap", in, reference.name())) {
            return notPermitted(kind, namespace, what, in);
        }
        return authorities(new Key(in, reference.name()));
    }

    /** Certificates of authorities in a ConfigMap. */
    @Nullable
    Problem authorities(Key key) {
        Optional<ObjectNode> found = cluster.configMap(key);
        String problem = found.isEmpty() ? "does not exist" : Certificates.problemOfAuthorities(found.get());
        return problem == null ? null : new Problem("InvalidCACertificateRef", "ConfigMap " + key + " " + problem);
    }

    private static Problem notPermitted(String kind, String namespace, String what, String in) {
        return new Problem(
                "RefNotPermitted",
                what + " is in another namespace; a ReferenceGrant in " + in + " has to allow it from " + kind + " in "
                        + namespace);
    }
}

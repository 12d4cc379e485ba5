package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.kind.LocalReference;
import dev.coppice.gateway.kind.ObjectReference;
import dev.coppice.gateway.kind.SecretReference;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Looks up the certificates, keys and passwords that Gateways, ListenerSets and policies refer to. */
final class References {

    /** Why a reference leads nowhere. */
    record Problem(String reason, String message) {}

    /**
     * What a reference leads to.
     *
     * @param value null when there is a problem
     * @param problem null when there is none
     */
    record Looked<T>(@Nullable T value, @Nullable Problem problem) {
        static <T> Looked<T> bad(Problem problem) {
            return new Looked<>(null, problem);
        }
    }

    private final ClusterView cluster;
    private final Grants grants;
    private final Certificates certificates;

    References(ClusterView cluster, Grants grants, Certificates certificates) {
        this.cluster = cluster;
        this.grants = grants;
        this.certificates = certificates;
    }

    /** A certificate with its key. */
    Looked<TlsConfig.Certificate> certificate(String kind, String namespace, SecretReference reference, String reason) {
        String in = reference.namespace() == null ? namespace : reference.namespace();
        String what = reference.kindOrDefault() + " " + in + "/" + reference.name();
        if (!reference.groupOrDefault().isEmpty() || !reference.kindOrDefault().equals("Secret")) {
            return Looked.bad(new Problem(
                    reason,
                    "certificates come from Secrets of the core group, not from "
                            + (reference.groupOrDefault().isEmpty() ? "" : reference.groupOrDefault() + "/") + what));
        }
        if (!grants.allow(kind, namespace, "", "Secret", in, reference.name())) {
            return Looked.bad(notPermitted(kind, namespace, what, in));
        }
        Optional<ObjectNode> secret = cluster.secret(new Key(in, reference.name()));
        if (secret.isEmpty()) {
            return Looked.bad(new Problem(reason, what + " does not exist"));
        }
        Certificates.Found found = certificates.pair(secret.get());
        return found.problem() == null
                ? new Looked<>(found.pair(), null)
                : Looked.bad(new Problem(reason, what + " " + found.problem()));
    }

    /** Certificates of authorities that clients' certificates are checked with, in PEM. */
    Looked<String> authorities(String kind, String namespace, ObjectReference reference) {
        String in = reference.namespace() == null ? namespace : reference.namespace();
        String what = reference.kind() + " " + in + "/" + reference.name();
        if (!reference.group().isEmpty() || !reference.kind().equals("ConfigMap")) {
            return Looked.bad(new Problem(
                    "InvalidCACertificateKind",
                    "certificates of authorities come from ConfigMaps of the core group, not from "
                            + (reference.group().isEmpty() ? "" : reference.group() + "/") + what));
        }
        if (!grants.allow(kind, namespace, "", "ConfigMap", in, reference.name())) {
            return Looked.bad(notPermitted(kind, namespace, what, in));
        }
        return authorities(what, cluster.configMap(new Key(in, reference.name())));
    }

    /** Certificates of authorities that backends' certificates are checked with, in PEM. */
    Looked<String> authorities(String namespace, LocalReference reference) {
        Key key = new Key(namespace, reference.name());
        String what = reference.kind() + " " + key;
        if (reference.group().isEmpty() && reference.kind().equals("ConfigMap")) {
            return authorities(what, cluster.configMap(key));
        }
        if (reference.group().isEmpty() && reference.kind().equals("Secret")) {
            return authorities(what, cluster.secret(key));
        }
        return Looked.bad(new Problem(
                "InvalidKind",
                "certificates of authorities come from ConfigMaps or Secrets of the core group; "
                        + (reference.group().isEmpty() ? "" : reference.group() + "/") + what + " is not supported"));
    }

    private Looked<String> authorities(String what, Optional<ObjectNode> object) {
        if (object.isEmpty()) {
            return Looked.bad(new Problem("InvalidCACertificateRef", what + " does not exist"));
        }
        Certificates.Authorities found = certificates.authorities(object.get());
        return found.pem() != null
                ? new Looked<>(found.pem(), null)
                : Looked.bad(new Problem("InvalidCACertificateRef", what + " " + found.problem()));
    }

    /** A Secret that a SecurityPolicy names. */
    Looked<ObjectNode> secret(Key key) {
        return cluster.secret(key)
                .map(each -> new Looked<>(each, null))
                .orElseGet(() -> Looked.bad(new Problem("SecretNotFound", "Secret " + key + " does not exist")));
    }

    /** A ConfigMap of a namespace. */
    Looked<ObjectNode> configMap(String namespace, String name) {
        Key key = new Key(namespace, name);
        return cluster.configMap(key)
                .map(each -> new Looked<>(each, null))
                .orElseGet(() -> Looked.bad(new Problem("ConfigMapNotFound", "ConfigMap " + key + " does not exist")));
    }

    /** An entry of a ConfigMap or Secret. */
    Looked<String> entry(String namespace, LocalReference reference, String entry) {
        Key key = new Key(namespace, reference.name());
        String what = reference.kind() + " " + key;
        Optional<ObjectNode> object = object(namespace, reference);
        if (object == null) {
            return Looked.bad(new Problem(
                    "InvalidKind",
                    "expected a ConfigMap or Secret of the core group; "
                            + (reference.group().isEmpty() ? "" : reference.group() + "/") + what
                            + " is not supported"));
        }
        if (object.isEmpty()) {
            return Looked.bad(new Problem(reference.kind() + "NotFound", what + " does not exist"));
        }
        String text = reference.kind().equals("Secret")
                ? SecretData.text(object.get(), entry)
                : object.get().path("data").path(entry).textValue();
        return text == null
                ? Looked.bad(new Problem("InvalidReference", what + " lacks the entry " + entry))
                : new Looked<>(text, null);
    }

    /** An entry of a ConfigMap or Secret that is binary, in base64. */
    Looked<String> base64(String namespace, LocalReference reference, String entry) {
        Optional<ObjectNode> object = object(namespace, reference);
        String binary = object == null || object.isEmpty()
                ? null
                : object.get()
                        .path(reference.kind().equals("Secret") ? "data" : "binaryData")
                        .path(entry)
                        .textValue();
        return binary != null ? new Looked<>(binary, null) : entry(namespace, reference, entry);
    }

    /** Changes with the object; the same for all that are not there. */
    String version(String namespace, LocalReference reference) {
        Optional<ObjectNode> object = object(namespace, reference);
        return object == null || object.isEmpty()
                ? ""
                : object.get().path("metadata").path("uid").asText("") + "/"
                        + object.get().path("metadata").path("resourceVersion").asText("");
    }

    /** Null for a kind that is not supported. */
    private @Nullable Optional<ObjectNode> object(String namespace, LocalReference reference) {
        Key key = new Key(namespace, reference.name());
        if (!reference.group().isEmpty()) {
            return null;
        }
        return switch (reference.kind()) {
            case "ConfigMap" -> cluster.configMap(key);
            case "Secret" -> cluster.secret(key);
            default -> null;
        };
    }

    private static Problem notPermitted(String kind, String namespace, String what, String in) {
        return new Problem(
                "RefNotPermitted",
                what + " is in another namespace; a ReferenceGrant in " + in + " has to allow it from " + kind + " in "
                        + namespace);
    }
}

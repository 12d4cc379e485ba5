package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.Target;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.CachedObject;
import java.util.Set;

/** Refuses new objects in namespaces that are not there or are going, and keeps the system's namespaces. */
public final class NamespaceLifecycle implements Engine.EarlyAdmission {
    private static final Set<String> KEPT =
            Set.of("default", "kube-system", "kube-public", "kube-node-lease", "coppice-system");

    private final Definition namespaces;
    private final Engine engine;

    public NamespaceLifecycle(Definition namespaces, Engine engine) {
        this.namespaces = namespaces;
        this.engine = engine;
    }

    @Override
    public void admit(Request request) {
        Target target = request.target();
        Definition d = target.definition();
        if (request.operation() == Operation.DELETE) {
            if (d == namespaces && KEPT.contains(target.name())) {
                throw Statuses.forbidden("", "namespaces", target.name(), "this namespace may not be deleted");
            }
            return;
        }
        if (request.operation() != Operation.CREATE || !d.namespaced()) {
            return;
        }
        String namespace = target.namespace();
        ObjectNode found = find(namespace);
        if (found == null) {
            throw Statuses.notFound("", "namespaces", namespace);
        }
        if (found.path("metadata").hasNonNull("deletionTimestamp")) {
            ApiException plain = Statuses.forbidden(
                    d.group(),
                    d.plural(),
                    target.name(),
                    "unable to create new content in namespace " + namespace + " because it is being terminated");
            Json.child(plain.status(), "details")
                    .putArray("causes")
                    .addObject()
                    .put("reason", "NamespaceTerminating")
                    .put("message", "namespace " + namespace + " is being terminated")
                    .put("field", "metadata.namespace");
            throw plain;
        }
    }

    /** From the cache, or from the store when it is too new for that. */
    private @org.jspecify.annotations.Nullable ObjectNode find(String namespace) {
        CachedObject cached = namespaces.cache().get("", namespace);
        return cached != null ? cached.tree() : engine.read(Target.of(namespaces, "", namespace));
    }
}

package dev.coppice.control.lifecycle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Trigger;
import dev.coppice.control.engine.Caller;
import dev.coppice.control.engine.CustomResources;
import dev.coppice.control.engine.DeleteOptions;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.Target;
import dev.coppice.control.engine.WriteOptions;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.ApiApproval;
import dev.coppice.control.resource.Conversion;
import dev.coppice.control.resource.CustomDefinitions;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.storage.CachedObject;
import dev.coppice.control.storage.Caches;
import dev.coppice.control.storage.Change;
import dev.coppice.control.storage.ResourceCache;
import dev.coppice.control.storage.Subscription;
import dev.coppice.control.webhook.WebhookClient;
import dev.coppice.control.webhook.WebhookConversion;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Makes CustomResourceDefinitions true: accepts their names, serves their types, takes their objects along when they are
 * deleted. One task runs it; level-triggered, so any event makes it look at all of them.
 */
public final class CustomTypes {
    private static final Logger LOG = System.getLogger(CustomTypes.class.getName());
    private static final Duration BEAT = Duration.ofSeconds(30);
    private static final Duration RETRY = Duration.ofMillis(200);

    private final Engine engine;
    private final Registry registry;
    private final Caches caches;
    private final Definition crds;
    private final WebhookClient webhooks;
    private final Caller caller = Caller.internal("custom-types");
    private final Map<String, Served> served = new HashMap<>();

    /** What is registered for a CRD. */
    private record Served(
            String uid, JsonNode spec, JsonNode acceptedNames, List<String> storedVersions, ResourceCache cache) {}

    public CustomTypes(Engine engine, Registry registry, Caches caches, Definition crds, WebhookClient webhooks) {
        this.webhooks = webhooks;
        this.engine = engine;
        this.registry = registry;
        this.caches = caches;
        this.crds = crds;
    }

    /** Runs until it is interrupted. */
    public void run() throws InterruptedException {
        try (Subscription s =
                crds.cache().subscribeWithInitial("", engine.feed().applied())) {
            boolean again = reconcileAll();
            while (true) {
                Change change = s.take(again ? RETRY : BEAT);
                while (change != null) {
                    change = s.take(Duration.ZERO);
                }
                if (s.ended()) {
                    throw new IllegalStateException("the watch of custom resource definitions fell behind");
                }
                again = reconcileAll();
            }
        }
    }

    /** True when something has to be looked at again soon. */
    public boolean reconcileAll() {
        List<ObjectNode> all =
                crds.cache().list("").stream().map(CachedObject::tree).toList();
        for (String name : List.copyOf(served.keySet())) {
            if (crds.cache().get("", name) == null) {
                withdraw(name);
            }
        }
        boolean again = false;
        for (ObjectNode crd : all) {
            try {
                again |= Trigger.call(List.of(changed(crd)), () -> reconcile(crd, all));
            } catch (ApiException e) {
                LOG.log(Level.DEBUG, "custom type " + Json.text(crd, "metadata", "name") + ": " + e.getMessage());
                again = true;
            } catch (RuntimeException e) {
                LOG.log(Level.WARNING, "custom type " + Json.text(crd, "metadata", "name") + " failed", e);
            }
        }
        return again;
    }

    /** Makes one definition true, if it is there. */
    void settle(String name) {
        CachedObject found = crds.cache().get("", name);
        if (found == null) {
            return;
        }
        // Names meet only those of the same group, which the name of a definition ends with.
        String group = name.substring(name.indexOf('.') + 1);
        List<ObjectNode> others = crds.cache().list("").stream()
                .filter(each -> each.name().endsWith("." + group))
                .map(CachedObject::tree)
                .toList();
        boolean _ = reconcile(found.tree(), others);
    }

    private Trigger changed(ObjectNode crd) {
        return new Trigger.Change(
                crds.type(), "", Json.text(crd, "metadata", "name"), Json.text(crd, "metadata", "resourceVersion"));
    }

    private void withdraw(String name) {
        Served was = served.remove(name);
        registry.put("crd " + name, List.of());
        if (was != null) {
            caches.remove(was.cache);
        }
    }

    private boolean reconcile(ObjectNode crd, List<ObjectNode> all) {
        if (crd.path("metadata").hasNonNull("deletionTimestamp")) {
            // After a restart its objects are not served yet, and have to be for going with it.
            if (condition(crd.path("status"), "Established")) {
                serve(crd, crd.path("status").path("acceptedNames"));
            }
            return finish(crd);
        }
        ObjectNode status = accepted(crd, all);
        if (!dev.coppice.schema.Values.same(status, crd.path("status"))) {
            writeStatus(crd, status);
        }
        if (condition(status, "Established")) {
            serve(crd, status.path("acceptedNames"));
        }
        return false;
    }

    private void writeStatus(ObjectNode crd, ObjectNode status) {
        Target target = new Target(crds, "", Json.text(crd, "metadata", "name"), "status");
        var _ = engine.write(
                target,
                old -> {
                    if (old == null) {
                        throw target.notFound();
                    }
                    ObjectNode stored = Json.child(old, "status");
                    stored.set("acceptedNames", status.get("acceptedNames"));
                    stored.set("conditions", status.get("conditions"));
                    return old;
                },
                WriteOptions.manager("kube-apiserver"),
                caller,
                true,
                true);
    }

    static boolean condition(JsonNode status, String type) {
        for (JsonNode c : status.path("conditions")) {
            if (c.path("type").asText().equals(type)) {
                return c.path("status").asText().equals("True");
            }
        }
        return false;
    }

    // ---- names

    /** The status that the definition should have, given what the others of its group have. */
    private ObjectNode accepted(ObjectNode crd, List<ObjectNode> all) {
        JsonNode wanted = crd.path("spec").path("names");
        Set<String> taken = new TreeSet<>();
        Set<String> takenKinds = new TreeSet<>();
        takenBy(crd, all, taken, takenKinds);
        ObjectNode names = Json.object();
        @Nullable String reason = null;
        String message = "no conflicts found";
        for (String field : List.of("plural", "singular")) {
            String name = wanted.path(field).asText("");
            if (taken.contains(name)) {
                reason = field.equals("plural") ? "PluralConflict" : "SingularConflict";
                message = Statuses.quote(name) + " is already in use";
                copy(crd, field, names);
            } else {
                names.put(field, name);
            }
        }
        List<String> conflicts = new ArrayList<>();
        for (String s : Json.list(wanted.path("shortNames"))) {
            if (taken.contains(s)) {
                conflicts.add(Statuses.quote(s) + " is already in use");
            }
        }
        if (conflicts.isEmpty()) {
            if (!wanted.path("shortNames").isEmpty()) {
                names.set("shortNames", wanted.path("shortNames").deepCopy());
            }
        } else {
            reason = "ShortNamesConflict";
            message = String.join(", ", conflicts);
        }
        for (String field : List.of("kind", "listKind")) {
            String name = wanted.path(field).asText("");
            if (takenKinds.contains(name)) {
                reason = field.equals("kind") ? "KindConflict" : "ListKindConflict";
                message = Statuses.quote(name) + " is already in use";
                copy(crd, field, names);
            } else {
                names.put(field, name);
            }
        }
        if (!wanted.path("categories").isEmpty()) {
            names.set("categories", wanted.path("categories").deepCopy());
        }
        ObjectNode status = Json.object();
        status.set("conditions", conditions(crd, reason, message));
        // Names come all or not at all where kinds conflict.
        if (reason != null) {
            if (takenKinds.contains(wanted.path("kind").asText())
                    || takenKinds.contains(wanted.path("listKind").asText())) {
                copy(crd, "kind", names);
                names.remove("listKind");
                names.remove("shortNames");
            }
        }
        status.set("acceptedNames", names);
        status.set("storedVersions", crd.path("status").path("storedVersions"));
        return status;
    }

    private static void copy(ObjectNode crd, String field, ObjectNode names) {
        String before = crd.path("status").path("acceptedNames").path(field).asText("");
        if (field.equals("kind") || !before.isEmpty()) {
            names.put(field, before);
        } else {
            names.remove(field);
        }
    }

    private void takenBy(ObjectNode crd, List<ObjectNode> all, Set<String> names, Set<String> kinds) {
        String group = crd.path("spec").path("group").asText();
        for (ObjectNode other : all) {
            if (Json.text(other, "metadata", "uid").equals(Json.text(crd, "metadata", "uid"))
                    || !other.path("spec").path("group").asText().equals(group)) {
                continue;
            }
            JsonNode theirs = other.path("status").path("acceptedNames");
            for (String field : List.of("plural", "singular")) {
                add(names, theirs.path(field).asText(""));
            }
            names.addAll(Json.list(theirs.path("shortNames")));
            add(kinds, theirs.path("kind").asText(""));
            add(kinds, theirs.path("listKind").asText(""));
        }
        for (Definition d : registry.snapshot().all()) {
            if ((!d.custom() || d.computed() != null) && d.group().equals(group)) {
                add(names, d.plural());
                add(kinds, d.kind());
            }
        }
    }

    private static void add(Set<String> set, String value) {
        if (!value.isEmpty()) {
            set.add(value);
        }
    }

    private JsonNode conditions(ObjectNode crd, @Nullable String conflict, String message) {
        JsonNode before = crd.path("status");
        boolean was = condition(before, "Established");
        var result = Json.array();
        result.add(stable(
                before,
                "NamesAccepted",
                conflict == null ? "True" : "False",
                conflict == null ? "NoConflicts" : conflict,
                message));
        boolean established = was || conflict == null;
        result.add(stable(
                before,
                "Established",
                established ? "True" : "False",
                established ? "InitialNamesAccepted" : "NotAccepted",
                established ? "the initial names have been accepted" : "not all names are accepted"));
        ApiApproval approval = ApiApproval.of(crd);
        if (approval != null) {
            result.add(stable(
                    before,
                    "KubernetesAPIApprovalPolicyConformant",
                    approval.approved() ? "True" : "False",
                    approval.approved() ? "ApprovedAnnotation" : "UnapprovedAnnotation",
                    approval.message()));
        }
        return result;
    }

    /** A condition that keeps its time while its status stays. */
    private ObjectNode stable(JsonNode status, String type, String value, String reason, String message) {
        String time = engine.now();
        for (JsonNode c : status.path("conditions")) {
            if (c.path("type").asText().equals(type)
                    && c.path("status").asText().equals(value)) {
                time = c.path("lastTransitionTime").asText(time);
            }
        }
        return Json.object()
                .put("type", type)
                .put("status", value)
                .put("lastTransitionTime", time)
                .put("reason", reason)
                .put("message", message);
    }

    // ---- serving

    private void serve(ObjectNode crd, JsonNode acceptedNames) {
        String name = Json.text(crd, "metadata", "name");
        String uid = Json.text(crd, "metadata", "uid");
        Served was = served.get(name);
        if (was != null
                && was.uid.equals(uid)
                && was.spec.equals(crd.path("spec"))
                && was.acceptedNames.equals(acceptedNames)
                && was.storedVersions.equals(storedVersions(crd))) {
            return;
        }
        CustomDefinitions made = new CustomDefinitions(crd, acceptedNames, conversion(crd));
        ResourceCache cache = caches.cache(made.storagePrefix(), made.namespaced(), made.decoder());
        registry.put("crd " + name, made.definitions(() -> cache));
        served.put(
                name,
                new Served(uid, crd.path("spec").deepCopy(), acceptedNames.deepCopy(), storedVersions(crd), cache));
        if (was != null) {
            caches.remove(was.cache);
        }
    }

    /** What has to be served anew when it changes: where a webhook converts, whether it has to be asked depends on it. */
    private static List<String> storedVersions(ObjectNode crd) {
        boolean webhook = Json.text(crd.path("spec"), "conversion", "strategy").equals("Webhook");
        return webhook ? Json.list(crd.path("status").path("storedVersions")) : List.of();
    }

    private Conversion conversion(ObjectNode crd) {
        JsonNode conversion = crd.path("spec").path("conversion");
        return conversion.path("strategy").asText().equals("Webhook")
                ? new WebhookConversion(
                        engine.kernel(), webhooks, conversion.path("webhook").deepCopy())
                : Conversion.NONE;
    }

    // ---- deletion

    private boolean finish(ObjectNode crd) {
        String name = Json.text(crd, "metadata", "name");
        if (!Json.list(crd.path("metadata").path("finalizers")).contains(CustomResources.FINALIZER)) {
            return false;
        }
        Served was = served.get(name);
        if (was != null && was.uid.equals(Json.text(crd, "metadata", "uid"))) {
            Definition d = registry.any(
                    crd.path("spec").path("group").asText(), Json.text(crd.path("spec"), "names", "plural"));
            long _ = engine.feed().fresh();
            List<CachedObject> left = was.cache.list("");
            if (d != null && !left.isEmpty()) {
                tellTerminating(crd);
                for (CachedObject o : left) {
                    deleteQuietly(d, o);
                }
                long _ = engine.feed().fresh();
                if (was.cache.size() > 0) {
                    return true;
                }
            }
        }
        Target target = Target.of(crds, "", name);
        var _ = engine.write(
                target,
                old -> {
                    if (old == null) {
                        throw target.notFound();
                    }
                    List<String> finalizers = Json.list(old.path("metadata").path("finalizers"));
                    finalizers.remove(CustomResources.FINALIZER);
                    Json.metadata(old).set("finalizers", Json.array(finalizers));
                    return old;
                },
                WriteOptions.manager("kube-apiserver"),
                caller,
                true,
                true);
        withdraw(name);
        return false;
    }

    /** As Kubernetes tells why a definition is still there. */
    private void tellTerminating(ObjectNode crd) {
        JsonNode before = crd.path("status");
        if (condition(before, "Terminating")) {
            return;
        }
        ObjectNode status = before.deepCopy();
        status.withArray("conditions")
                .add(stable(
                        before,
                        "Terminating",
                        "True",
                        "InstanceDeletionInProgress",
                        "CustomResource deletion is in progress"));
        writeStatus(crd, status);
    }

    private void deleteQuietly(Definition d, CachedObject o) {
        try {
            var _ = engine.delete(Target.of(d, o.namespace(), o.name()), DeleteOptions.DEFAULT, caller);
        } catch (ApiException e) {
            LOG.log(Level.DEBUG, "deleting " + o.name() + " of " + d + ": " + e.getMessage());
        }
    }
}

package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.engine.Caller;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.Target;
import dev.coppice.control.engine.WriteOptions;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.CachedObject;
import java.util.List;

/**
 * Counts new objects against the quotas of their namespace, and refuses them when a quota is used up. The count is written
 * before the object, by compare and swap, so that two requests never share the last place.
 */
public final class QuotaAdmission implements Admission {
    private final Engine engine;
    private final Definition quotas;
    private final Caller caller = Caller.internal("quota");

    public QuotaAdmission(Engine engine, Definition quotas) {
        this.engine = engine;
        this.quotas = quotas;
    }

    @Override
    public void admit(Request request) {
        Target target = request.target();
        if (request.operation() != Operation.CREATE
                || !target.definition().namespaced()
                || target.definition() == quotas) {
            return;
        }
        for (CachedObject quota : quotas.cache().list(target.namespace())) {
            for (String bound : bounds(target.definition())) {
                if (quota.tree().path("spec").path("hard").has(bound)) {
                    count(request, quota.name(), bound);
                }
            }
        }
    }

    private static List<String> bounds(Definition d) {
        String counted = "count/" + d.qualified();
        return d.group().isEmpty() ? List.of(counted, d.plural()) : List.of(counted);
    }

    private void count(Request request, String quota, String bound) {
        Target target = request.target();
        Target status = new Target(quotas, target.namespace(), quota, "status");
        try {
            var unused = engine.write(
                    status,
                    old -> {
                        if (old == null) {
                            throw status.notFound();
                        }
                        use(target, old, quota, bound);
                        return old;
                    },
                    new WriteOptions(request.dryRun(), "kube-apiserver", "Ignore", false),
                    caller,
                    true,
                    true);
        } catch (ApiException e) {
            if (e.code() != 404) {
                throw e;
            }
        }
    }

    private static void use(Target target, ObjectNode quota, String name, String bound) {
        ObjectNode hard = Json.child(Json.child(quota, "status"), "hard");
        ObjectNode used = Json.child(Json.child(quota, "status"), "used");
        if (!hard.has(bound)) {
            throw Statuses.forbidden(
                    target.definition().group(),
                    target.definition().plural(),
                    target.name(),
                    "status unknown for quota: " + name + ", resources: " + bound);
        }
        long most = number(hard.path(bound).asText());
        long now = number(used.path(bound).asText("0"));
        if (now + 1 > most) {
            throw Statuses.forbidden(
                    target.definition().group(),
                    target.definition().plural(),
                    target.name(),
                    "exceeded quota: " + name + ", requested: " + bound + "=1, used: " + bound + "=" + now
                            + ", limited: " + bound + "=" + most);
        }
        used.put(bound, Long.toString(now + 1));
    }

    private static long number(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            return Long.MAX_VALUE - 1;
        }
    }
}

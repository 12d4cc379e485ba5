package dev.coppice.control.plan;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Authorizer;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.access.Impersonation;
import dev.coppice.control.engine.Caller;
import dev.coppice.control.engine.Outcome;
import dev.coppice.control.engine.Target;
import dev.coppice.control.engine.WriteOptions;
import dev.coppice.control.history.ChangeTree;
import dev.coppice.control.history.Difference;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.serving.Identity;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Plans the objects of one plan, one after the other. Used by one thread. */
final class ObjectPlan {
    private static final Logger LOG = System.getLogger(ObjectPlan.class.getName());
    private static final Pattern OWNER = Pattern.compile("conflict with \"((?:[^\"\\\\]|\\\\.)*)\"");
    /** What the server alone writes in metadata; it says nothing about a change. */
    private static final List<String> SERVERS_OWN =
            List.of("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation");

    private final Draft draft;
    private final ControllerPlans controllers;
    private final Identity identity;
    private final String agent;
    private final WriteOptions options;
    /** Controllers that are not asked again. */
    private final Set<String> silent = new HashSet<>();
    /** Kinds whose CustomResourceDefinition was refused, as group/kind. */
    private final Set<String> missing = new HashSet<>();

    /** What would be done with an object. */
    enum Action {
        CREATE,
        CHANGE,
        UNCHANGED,
        REFUSED;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    ObjectPlan(Draft draft, ControllerPlans controllers, Identity identity, String agent, WriteOptions options) {
        this.draft = draft;
        this.controllers = controllers;
        this.identity = identity;
        this.agent = agent;
        this.options = options;
    }

    /** What an apply of the object would do, as the API tells it. */
    ObjectNode of(ObjectNode manifest) {
        ObjectNode line = line(manifest);
        Caller caller = Caller.of(identity, agent).noting();
        try {
            apply(manifest, line, caller);
        } catch (ApiException e) {
            refuse(manifest, line, e);
        } catch (RuntimeException e) {
            LOG.log(Level.ERROR, "an object could not be planned: " + named(line), e);
            refuse(manifest, line, Statuses.internal(String.valueOf(e.getMessage())));
        }
        strings(line, "warnings", caller.warnings());
        List<String> asked = caller.asked();
        strings(line, "admission", asked == null ? List.of() : asked);
        return line;
    }

    /** The same for an object that was not looked at, as time was over. */
    ObjectNode tooLate(ObjectNode manifest, Duration limit) {
        ObjectNode line = line(manifest);
        refuse(
                manifest,
                line,
                Statuses.timeout("the plan took longer than " + limit.toMinutes() + " minutes; plan fewer objects", 0));
        return line;
    }

    private static ObjectNode line(ObjectNode manifest) {
        return Json.object()
                .put("type", "OBJECT")
                .put("apiVersion", manifest.path("apiVersion").asText())
                .put("kind", manifest.path("kind").asText())
                .put("namespace", Json.text(manifest, "metadata", "namespace"))
                .put("name", Json.text(manifest, "metadata", "name"));
    }

    private static String named(ObjectNode line) {
        return line.path("kind").asText() + " " + line.path("namespace").asText() + "/"
                + line.path("name").asText();
    }

    private void apply(ObjectNode manifest, ObjectNode line, Caller caller) {
        Target target = target(manifest);
        Definition d = target.definition();
        line.put("namespace", target.namespace()).put("resource", d.qualified());
        check("get", target);
        check("patch", target);
        if (!d.deprecation().isEmpty()) {
            caller.warn(d.deprecation());
        }
        ObjectNode before = draft.engine().read(target);
        ObjectNode after = applied(target, manifest, caller).object();
        Difference difference = Difference.between(before == null ? Json.object() : shown(before), shown(after));
        boolean owned = before != null
                && difference.fields().isEmpty()
                && !managed(before).equals(managed(after));
        Action action = before == null
                ? Action.CREATE
                : difference.fields().isEmpty() && !owned ? Action.UNCHANGED : Action.CHANGE;
        line.put("action", action.word());
        if (owned) {
            line.put("ownership", true);
        }
        line.set("diff", ChangeTree.difference(difference, d.sealed()));
        if (action == Action.UNCHANGED) {
            return;
        }
        draft.wrote(target);
        ArrayNode said = controllers(target, before, after);
        if (!said.isEmpty()) {
            line.set("controllers", said);
        }
    }

    private Outcome applied(Target target, ObjectNode manifest, Caller caller) {
        ObjectNode configuration = manifest.deepCopy();
        if (!target.definition().namespaced()) {
            Json.metadata(configuration).remove("namespace");
        }
        return draft.engine().apply(target, configuration, options, caller);
    }

    /** Throws what an apply of something that cannot be applied would be told. */
    private Target target(ObjectNode manifest) {
        String apiVersion = manifest.path("apiVersion").asText();
        String kind = manifest.path("kind").asText();
        Definition d = draft.registry().snapshot().kind(apiVersion, kind);
        if (d == null) {
            String group = apiVersion.contains("/") ? apiVersion.substring(0, apiVersion.indexOf('/')) : "";
            String why = missing.contains(group + "/" + kind)
                    ? "; the CustomResourceDefinition of this plan that would serve it is refused"
                    : "; its CustomResourceDefinition has to come before it in the plan, or to be there";
            throw Statuses.of(
                    404,
                    "NotFound",
                    "no matches for kind " + Statuses.quote(kind) + " in version " + Statuses.quote(apiVersion) + why);
        }
        if (!d.stored() || d.computed() != null || !d.verbs().contains("patch")) {
            throw Statuses.methodNotAllowed();
        }
        String name = Json.text(manifest, "metadata", "name");
        if (name.isEmpty()) {
            throw Statuses.badRequest("metadata.name: is empty; an apply needs the object's name");
        }
        String namespace = Json.text(manifest, "metadata", "namespace");
        return Target.of(d, !d.namespaced() ? "" : namespace.isEmpty() ? "default" : namespace, name);
    }

    private void check(String verb, Target target) {
        Definition d = target.definition();
        var action = new Authorizer.Action(verb, d.group(), d.plural(), target.namespace(), target.name());
        if (!draft.authorizer().authorize(identity, action).allowed()) {
            throw Statuses.forbidden(d.group(), d.plural(), target.name(), Impersonation.refusal(identity, action));
        }
    }

    private static ObjectNode shown(ObjectNode object) {
        ObjectNode copy = object.deepCopy();
        Json.metadata(copy).remove(SERVERS_OWN);
        return copy;
    }

    private static JsonNode managed(ObjectNode object) {
        JsonNode managed = object.path("metadata").path("managedFields").deepCopy();
        for (JsonNode each : managed) {
            if (each instanceof ObjectNode entry) {
                entry.remove("time");
            }
        }
        return managed;
    }

    // ---- controllers

    private ArrayNode controllers(Target target, @Nullable ObjectNode before, ObjectNode after) {
        ArrayNode all = Json.array();
        Definition d = target.definition();
        Optional<ResourceType> wanted = controllers.wanted(d.type());
        if (wanted.isEmpty()) {
            return all;
        }
        ResourceType type = wanted.get();
        Definition version = draft.registry().find(type.group(), type.version(), type.plural());
        if (version == null) {
            return all;
        }
        for (ControllerPlans.Said said : controllers.ask(
                type,
                Optional.ofNullable(before).map(tree -> in(version, d, tree)),
                Optional.of(in(version, d, after)),
                silent)) {
            ObjectNode one = all.addObject().put("controller", said.controller());
            strings(one, "actions", said.actions());
            if (said.problem() != null) {
                one.put("problem", said.problem());
            }
        }
        return all;
    }

    private static ObjectNode in(Definition version, Definition own, ObjectNode tree) {
        ObjectNode copy = tree.deepCopy();
        return version == own ? copy : version.fromStored().apply(own.toStored().apply(copy));
    }

    // ---- refusals

    private void refuse(ObjectNode manifest, ObjectNode line, ApiException e) {
        line.put("action", Action.REFUSED.word());
        line.set("error", e.status());
        if (e.reason().equals("Conflict")) {
            ArrayNode conflicts = Json.array();
            for (JsonNode cause : e.status().path("details").path("causes")) {
                Matcher owner = OWNER.matcher(cause.path("message").asText());
                if (owner.find()) {
                    conflicts
                            .addObject()
                            .put("field", cause.path("field").asText())
                            .put("manager", owner.group(1))
                            .put("message", cause.path("message").asText());
                }
            }
            if (!conflicts.isEmpty()) {
                line.set("conflicts", conflicts);
            }
        }
        if (manifest.path("kind").asText().equals("CustomResourceDefinition")) {
            JsonNode spec = manifest.path("spec");
            missing.add(spec.path("group").asText() + "/"
                    + spec.path("names").path("kind").asText());
        }
    }

    private static void strings(ObjectNode to, String field, List<String> values) {
        if (!values.isEmpty()) {
            to.set(field, Json.array(values));
        }
    }
}

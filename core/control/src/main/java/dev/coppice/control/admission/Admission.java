package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.engine.Caller;
import dev.coppice.control.engine.Target;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import org.jspecify.annotations.Nullable;

/** Checks a request that is authorized and well-formed. Safe for use by many threads. */
@FunctionalInterface
public interface Admission {

    /** What is done to the object. */
    enum Operation {
        CREATE,
        UPDATE,
        DELETE
    }

    /**
     * A request.
     *
     * @param requested what was asked for; another version than {@code target} when it is looked at in that
     * @param object as it would be stored; null for a deletion
     * @param old as it is stored; null for a creation
     * @param options the Options tree of the verb
     */
    record Request(
            Operation operation,
            Target target,
            Target requested,
            @Nullable ObjectNode object,
            @Nullable ObjectNode old,
            ObjectNode options,
            boolean dryRun,
            Caller caller) {

        public Request(
                Operation operation,
                Target target,
                @Nullable ObjectNode object,
                @Nullable ObjectNode old,
                ObjectNode options,
                boolean dryRun,
                Caller caller) {
            this(operation, target, target, object, old, options, dryRun, caller);
        }

        /** The same in another version of its type. */
        Request as(Definition version) {
            Target other = new Target(version, target.namespace(), target.name(), target.subresource());
            Definition own = target.definition();
            return new Request(
                    operation,
                    other,
                    requested,
                    object == null ? null : convert(own, version, object),
                    old == null ? null : convert(own, version, old),
                    options,
                    dryRun,
                    caller);
        }

        /** A copy of an object in another version. */
        static ObjectNode convert(Definition from, Definition to, ObjectNode object) {
            return to.fromStored().apply(from.toStored().apply(object.deepCopy()));
        }

        /** As an AdmissionRequest (admission.k8s.io/v1), without its objects; what {@code request} is in CEL. */
        ObjectNode describe(String uid) {
            Definition d = target.definition();
            Definition asked = requested.definition();
            ObjectNode node = Json.object();
            node.put("uid", uid);
            kind(node, "kind", d);
            resource(node, "resource", d);
            node.put("subResource", target.subresource());
            kind(node, "requestKind", asked);
            resource(node, "requestResource", asked);
            node.put("requestSubResource", target.subresource());
            node.put("name", target.name()).put("namespace", target.namespace());
            node.put("operation", operation.name());
            ObjectNode user = node.putObject("userInfo")
                    .put("username", caller.identity().name())
                    .put("uid", caller.identity().uid());
            user.set("groups", Json.array(caller.identity().groups()));
            if (!caller.identity().extra().isEmpty()) {
                ObjectNode extra = user.putObject("extra");
                caller.identity().extra().forEach((key, values) -> extra.set(key, Json.array(values)));
            }
            node.put("dryRun", dryRun);
            node.set("options", options);
            return node;
        }

        private static void kind(ObjectNode node, String field, Definition d) {
            node.putObject(field)
                    .put("group", d.group())
                    .put("version", d.version())
                    .put("kind", d.kind());
        }

        private static void resource(ObjectNode node, String field, Definition d) {
            node.putObject(field)
                    .put("group", d.group())
                    .put("version", d.version())
                    .put("resource", d.plural());
        }
    }

    /** Lets it pass, or throws an {@link dev.coppice.control.ApiException}. */
    void admit(Request request);

    /** Changes objects before they are validated. Safe for use by many threads. */
    interface Mutating {

        /** Prunes an object and fills in its defaults, in place. */
        interface Settling {
            void settle(ObjectNode object);
        }

        /**
         * Changes the request's object in place, or throws.
         *
         * @param settling to be run after each change
         * @return what is to be done once all others had their first turn
         */
        SecondPass mutate(Request request, Settling settling);
    }

    /** Asks those again that want to be, if others changed the object after them. */
    @FunctionalInterface
    interface SecondPass {
        SecondPass NONE = () -> {};

        void run();
    }
}

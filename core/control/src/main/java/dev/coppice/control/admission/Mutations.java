package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import java.util.List;

/** Puts what admission makes of an object in its place. */
final class Mutations {
    private Mutations() {}

    /**
     * Replaces the request's object by a changed one, settled.
     *
     * @param who names what changed it, such as {@code webhook "labels.example.org"}
     * @param seen the request as that saw it, maybe in another version
     */
    static void replace(
            String who,
            Admission.Request request,
            Admission.Request seen,
            ObjectNode changed,
            Admission.Mutating.Settling settling) {
        ObjectNode object = request.object();
        ObjectNode before = seen.object();
        if (object == null || before == null) {
            return;
        }
        for (String field : List.of("apiVersion", "kind")) {
            if (!changed.path(field).equals(before.path(field))) {
                throw unchangeable(who, field);
            }
        }
        for (String field : List.of("name", "namespace", "uid")) {
            if (!Json.text(changed, "metadata", field).equals(Json.text(before, "metadata", field))) {
                throw unchangeable(who, "metadata." + field);
            }
        }
        ObjectNode own = seen.target().definition() == request.target().definition()
                ? changed
                : Admission.Request.convert(
                        seen.target().definition(), request.target().definition(), changed);
        object.removeAll();
        object.setAll(own);
        settling.settle(object);
    }

    private static dev.coppice.control.ApiException unchangeable(String who, String field) {
        return Statuses.internal("the patch of " + who + " changes " + field + ", which none may");
    }
}

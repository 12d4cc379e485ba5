package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Turns objects of a custom type into another of its versions. Safe for use by many threads. */
@FunctionalInterface
public interface Conversion {

    /** Changes the apiVersion only, which is all that definitions without a webhook ask for. */
    Conversion NONE = (objects, apiVersion) -> {
        objects.forEach(object -> object.put("apiVersion", apiVersion));
        return objects;
    };

    /**
     * Converts objects, each from the version that its apiVersion names; may change them.
     *
     * @return as many, in the same order
     * @throws dev.coppice.control.ApiException when it is not possible now
     */
    List<ObjectNode> convert(List<ObjectNode> objects, String apiVersion);

    default ObjectNode convert(ObjectNode object, String apiVersion) {
        return convert(List.of(object), apiVersion).getFirst();
    }
}

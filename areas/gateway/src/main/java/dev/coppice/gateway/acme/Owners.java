package dev.coppice.gateway.acme;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.control.Kind;
import dev.coppice.control.Resource;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** Objects that belong to others, and end with them. */
final class Owners {
    private static final int LONGEST_NAME = 253;

    private Owners() {}

    /** Makes one object belong to another of its namespace. */
    static void own(ObjectNode owned, Resource<?, ?> owner) {
        owned.withObject("/metadata")
                .putArray("ownerReferences")
                .addObject()
                .put("apiVersion", owner.kind().type().apiVersion())
                .put("kind", owner.kind().kind())
                .put("name", owner.name())
                .put("uid", owner.uid())
                .put("controller", true)
                .put("blockOwnerDeletion", true);
    }

    static boolean owns(Resource<?, ?> owner, ObjectNode object) {
        for (JsonNode each : object.path("metadata").path("ownerReferences")) {
            if (each.path("uid").asText().equals(owner.uid())) {
                return true;
            }
        }
        return false;
    }

    /** The owners of a kind that an object has. */
    static List<Key> of(Kind<?, ?> kind, ObjectNode object) {
        String namespace = object.path("metadata").path("namespace").asText("");
        List<Key> all = new ArrayList<>();
        for (JsonNode each : object.path("metadata").path("ownerReferences")) {
            if (each.path("kind").asText().equals(kind.kind())) {
                all.add(new Key(namespace, each.path("name").asText()));
            }
        }
        return all;
    }

    /** A name for an object: that of another one, shortened if need be, and what tells it from its like. */
    static String named(String owner, String number, String content) {
        String end = "-" + number + (number.isEmpty() ? "" : "-") + hash(content);
        int room = LONGEST_NAME - end.length();
        return (owner.length() <= room ? owner : owner.substring(0, room)) + end;
    }

    private static String hash(String content) {
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(content.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash, 0, 5);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}

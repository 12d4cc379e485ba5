package dev.coppice.console;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.serving.Identity;
import java.util.Map;

/** A past to look at: a person changed a config map, and a controller a service account because of a namespace. */
final class SampleChanges {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String MAP = """
            {"time":"2026-01-31T12:00:00Z","resourceVersion":"12","operation":"updated","verb":"patch",
             "object":{"group":"","version":"v1","resource":"configmaps","kind":"ConfigMap","namespace":"shop","name":"prices"},
             "user":"alice","userAgent":"kubectl/v1.32.4 (linux/amd64)","requestID":"r1","because":[],
             "fields":["data.vat"],"diff":[{"field":"data.vat","before":"19","after":"<b>91</b>"}]}""";
    private static final String ACCOUNT = """
            {"time":"2026-01-31T11:59:00Z","resourceVersion":"11","operation":"created","verb":"create",
             "object":{"group":"","version":"v1","resource":"serviceaccounts","kind":"ServiceAccount","namespace":"shop","name":"default"},
             "user":"system:kube-controller-manager","fields":[],"diff":[],
             "because":[{"type":"Change","group":"","resource":"namespaces","namespace":"","name":"shop","resourceVersion":"10"%s}]}""";
    private static final String NAMESPACE = """
            {"time":"2026-01-31T11:58:59Z","resourceVersion":"10","operation":"created","verb":"create",
             "object":{"group":"","version":"v1","resource":"namespaces","kind":"Namespace","namespace":"","name":"shop"},
             "user":"bob","userAgent":"kubectl/v1.32.4","requestID":"r0","because":[],"fields":[],"diff":[]}""";

    private SampleChanges() {}

    static JsonNode ask(Identity identity, String what, Map<String, String> query) {
        if (!identity.name().equals("admin") && query.containsKey("name")) {
            throw refusal(403, "Forbidden", identity.name() + " cannot get resource");
        }
        if (query.getOrDefault("since", "").equals("yesterday")) {
            throw refusal(400, "BadRequest", "since: \"yesterday\"; expected a time");
        }
        try {
            String account = ACCOUNT.formatted(",\"change\":" + NAMESPACE);
            if (what.equals("undo")) {
                boolean conflict = query.getOrDefault("change", "").equals("11");
                return JSON.readTree(
                        "{\"action\":\"update\",\"collection\":\"/api/v1/namespaces/shop/configmaps\",\"name\":\"prices\","
                                + "\"diff\":[{\"field\":\"data.vat\",\"before\":\"91\",\"after\":\"19\"}],\"object\":{\"metadata\":"
                                + "{\"name\":\"prices\",\"resourceVersion\":\"12\"}},\"undone\":[" + MAP
                                + "],\"conflicts\":["
                                + (conflict ? MAP : "") + "]}");
            }
            if (what.equals("causes")) {
                return JSON.readTree("{\"change\":" + account + "}");
            }
            String items = query.containsKey("name") ? account : MAP + "," + ACCOUNT.formatted("");
            return JSON.readTree(
                    "{\"metadata\":{\"continue\":\"next-1\",\"completeSince\":\"2026-01-01T00:00:00Z\"},\"items\":["
                            + (identity.name().equals("admin") ? items : "") + "]}");
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static ApiException refusal(int code, String reason, String message) {
        ObjectNode status = JsonNodeFactory.instance.objectNode();
        return new ApiException(status.put("code", code).put("reason", reason).put("message", message));
    }
}

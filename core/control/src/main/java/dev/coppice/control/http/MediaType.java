package dev.coppice.control.http;

import dev.coppice.control.request.Statuses;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How an answer is to be written.
 *
 * @param yaml YAML instead of JSON
 * @param shape what of the object is asked for
 */
record MediaType(boolean yaml, Shape shape) {
    static final MediaType JSON = new MediaType(false, Shape.OBJECT);

    /** What of the object is asked for. */
    enum Shape {
        OBJECT,
        TABLE,
        PARTIAL
    }

    String contentType() {
        return yaml ? "application/yaml" : "application/json";
    }

    private record Clause(String type, Map<String, String> parameters, double quality) {}

    /** Chooses what the Accept header likes best; throws 406. */
    static MediaType of(String accept) {
        if (accept.isBlank()) {
            return JSON;
        }
        List<Clause> clauses = clauses(accept);
        boolean known = false;
        for (Clause c : clauses) {
            boolean json = c.type.equals("application/json") || c.type.equals("*/*") || c.type.equals("application/*");
            boolean yaml = c.type.equals("application/yaml");
            known |= json || yaml || c.type.equals(ProtobufBodies.MEDIA_TYPE);
            if (!json && !yaml) {
                continue;
            }
            String as = c.parameters.getOrDefault("as", "");
            if (as.isEmpty()) {
                return new MediaType(yaml, Shape.OBJECT);
            }
            boolean meta = c.parameters.getOrDefault("g", "").equals("meta.k8s.io")
                    && c.parameters.getOrDefault("v", "").equals("v1");
            if (meta && as.equals("Table")) {
                return new MediaType(yaml, Shape.TABLE);
            }
            if (meta && (as.equals("PartialObjectMetadata") || as.equals("PartialObjectMetadataList"))) {
                return new MediaType(yaml, Shape.PARTIAL);
            }
        }
        String all = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
        if (known) {
            throw Statuses.notAcceptable("only the following media types are accepted: " + all, false);
        }
        throw Statuses.notAcceptable("406: Not Acceptable\n\nAvailable representations: " + all, true);
    }

    /** Whether the aggregated discovery document is asked for. */
    static boolean aggregatedDiscovery(String accept) {
        for (Clause c : clauses(accept)) {
            if (c.type.equals("application/json")) {
                return c.parameters.getOrDefault("g", "").equals("apidiscovery.k8s.io")
                        && c.parameters.getOrDefault("v", "").equals("v2")
                        && c.parameters.getOrDefault("as", "").equals("APIGroupDiscoveryList");
            }
        }
        return false;
    }

    private static List<Clause> clauses(String accept) {
        List<Clause> result = new ArrayList<>();
        for (String part : accept.split(",")) {
            String[] words = part.split(";");
            Map<String, String> parameters = new HashMap<>();
            double quality = 1;
            for (int i = 1; i < words.length; i++) {
                int equals = words[i].indexOf('=');
                if (equals > 0) {
                    String name = words[i].substring(0, equals).strip();
                    String value = words[i].substring(equals + 1).strip();
                    if (name.equals("q")) {
                        quality = quality(value);
                    } else {
                        parameters.put(name, value);
                    }
                }
            }
            result.add(new Clause(words[0].strip().toLowerCase(Locale.ROOT), parameters, quality));
        }
        result.sort((a, b) -> Double.compare(b.quality, a.quality));
        return result;
    }

    private static double quality(String value) {
        try {
            return Double.parseDouble(value);
        } catch (NumberFormatException e) {
            return 1;
        }
    }
}

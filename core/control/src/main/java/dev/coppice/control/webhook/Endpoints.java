package dev.coppice.control.webhook;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.CachedObject;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Finds where a webhook listens: its URL, or a ready address of its service, from the EndpointSlices. Safe for use by many
 * threads.
 */
final class Endpoints {
    static final int SERVICE_PORT = 443;
    private static final String SERVICE_LABEL = "kubernetes.io/service-name";

    private final Definition services;
    private final Definition slices;
    private final RandomGenerator random;

    Endpoints(Definition services, Definition slices, RandomGenerator random) {
        this.services = services;
        this.slices = slices;
        this.random = random;
    }

    /**
     * Where to connect.
     *
     * @param serverName that the certificate has to name
     * @param shown as messages name it
     */
    record Endpoint(URI uri, String serverName, String shown) {}

    Endpoint find(JsonNode clientConfig, int timeoutSeconds) throws WebhookException {
        String query = "?timeout=" + timeoutSeconds + "s";
        JsonNode service = clientConfig.path("service");
        if (!service.isObject()) {
            String url = clientConfig.path("url").asText("");
            try {
                URI uri = URI.create(url + query);
                if (!"https".equals(uri.getScheme()) || uri.getHost() == null) {
                    throw new WebhookException("the url " + url + " has to be https://HOST[:PORT][/PATH]");
                }
                String host = uri.getHost();
                return new Endpoint(uri, host.startsWith("[") ? host.substring(1, host.length() - 1) : host, url);
            } catch (IllegalArgumentException e) {
                throw new WebhookException("the url " + url + " is none: " + e.getMessage(), e);
            }
        }
        String namespace = service.path("namespace").asText();
        String name = service.path("name").asText();
        int port = service.path("port").asInt(SERVICE_PORT);
        String path = service.path("path").asText("");
        String slash = path.startsWith("/") ? path : "/" + path;
        String serverName = name + "." + namespace + ".svc";
        Address at = address(namespace, name, port);
        String shown = "https://" + serverName + ":" + port + slash;
        try {
            String host = at.host.contains(":") ? "[" + at.host + "]" : at.host;
            return new Endpoint(URI.create("https://" + host + ":" + at.port + slash + query), serverName, shown);
        } catch (IllegalArgumentException e) {
            throw new WebhookException("the path " + path + " of the service reference is none: " + e.getMessage(), e);
        }
    }

    private record Address(String host, int port) {}

    private Address address(String namespace, String name, int port) throws WebhookException {
        CachedObject service = services.cache().get(namespace, name);
        if (service == null) {
            throw new WebhookException("service \"" + name + "\" not found in namespace \"" + namespace + "\"");
        }
        JsonNode spec = service.tree().path("spec");
        if (spec.path("type").asText().equals("ExternalName")) {
            return new Address(spec.path("externalName").asText(), port);
        }
        JsonNode chosen = null;
        for (JsonNode each : spec.path("ports")) {
            if (each.path("port").asInt() == port) {
                chosen = each;
            }
        }
        if (chosen == null) {
            throw new WebhookException("no service port " + port + " found for service \"" + name + "\"");
        }
        List<Address> ready = ready(namespace, name, chosen.path("name").asText(""));
        if (ready.isEmpty()) {
            throw new WebhookException("no endpoints available for service \"" + name
                    + "\": an EndpointSlice with the label " + SERVICE_LABEL + "=" + name
                    + " has to name a ready address");
        }
        return ready.get(random.nextInt(ready.size()));
    }

    private List<Address> ready(String namespace, String service, String portName) {
        List<Address> found = new ArrayList<>();
        for (CachedObject slice : slices.cache().list(namespace)) {
            if (!service.equals(slice.labels().get(SERVICE_LABEL))) {
                continue;
            }
            int port = 0;
            for (JsonNode each : slice.tree().path("ports")) {
                if (each.path("name").asText("").equals(portName)) {
                    port = each.path("port").asInt();
                }
            }
            for (JsonNode endpoint : slice.tree().path("endpoints")) {
                if (port > 0 && endpoint.path("conditions").path("ready").asBoolean(true)) {
                    for (String address : Json.list(endpoint.path("addresses"))) {
                        found.add(new Address(address, port));
                    }
                }
            }
        }
        return found;
    }
}

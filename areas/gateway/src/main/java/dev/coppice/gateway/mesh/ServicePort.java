package dev.coppice.gateway.mesh;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;

/**
 * A port of a Service, and what it says that clients speak there: by {@code appProtocol}, or else by what its name begins with, as service meshes have
 * it. Immutable.
 *
 * @param name empty where it has none
 * @param speaks what its clients speak
 */
public record ServicePort(int number, String name, Speaks speaks) {

    /** What clients speak at a port. */
    public enum Speaks {
        HTTP,
        /** HTTP/2 without TLS at the endpoints, too, such as gRPC. */
        HTTP2,
        /** Something over TCP that nobody looks into; TLS, too. */
        STREAMS,
        DATAGRAMS,
        /** Something that is not served. */
        UNKNOWN;

        /** Whether requests can be told apart. */
        public boolean requests() {
            return this == HTTP || this == HTTP2;
        }
    }

    /** Reads an entry of {@code spec.ports}. */
    public static ServicePort of(JsonNode port) {
        String name = port.path("name").asText("");
        return new ServicePort(port.path("port").asInt(), name, speaks(port, name));
    }

    private static Speaks speaks(JsonNode port, String name) {
        return switch (port.path("protocol").asText("TCP")) {
            case "TCP" -> application(port.path("appProtocol").asText(""), name);
            case "UDP" -> Speaks.DATAGRAMS;
            default -> Speaks.UNKNOWN;
        };
    }

    private static Speaks application(String protocol, String name) {
        int dash = name.indexOf('-');
        String told = protocol.isEmpty() ? dash < 0 ? name : name.substring(0, dash) : protocol;
        return switch (told.toLowerCase(Locale.ROOT)) {
            case "http", "kubernetes.io/ws" -> Speaks.HTTP;
            case "http2", "h2c", "kubernetes.io/h2c", "grpc" -> Speaks.HTTP2;
            default -> Speaks.STREAMS;
        };
    }

    /** The name of its listener. */
    public String listener() {
        return name.isEmpty() ? String.valueOf(number) : name;
    }
}

package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.handler.ssl.SslContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What a cluster does for the tests' Deployments and Services: starts an {@link EchoPod} for each replica, and tells the
 * EndpointSlices of a Service. For one thread.
 */
public final class EchoBackends implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int THREADS = 2;

    /** Two runs beside each other have addresses of their own: 127.10.0.1 and so on, 127.11.0.1 … */
    private static final int NETWORK = 10 + Integer.getInteger("coppice.fork", 0);

    private static final int POD_LIMIT = 60_000;

    private record Pod(JsonNode deployment, Map<String, String> labels, EchoPod echo) {}

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(THREADS, NioIoHandler.newFactory());
    private final List<Pod> pods = new ArrayList<>();
    private final ServerCertificates certificates;
    private int started;

    /** What backends with TLS show. */
    public interface ServerCertificates {
        /**
         * That of a Secret, {@code NAMESPACE/NAME}; null where there is none.
         *
         * @param authorities of clients, who have to show a certificate: a ConfigMap; empty: they need not
         */
        @Nullable
        SslContext of(String secret, String authorities);
    }

    public EchoBackends(ServerCertificates certificates) {
        this.certificates = certificates;
    }

    /** Starts the replicas of a Deployment. Those of other images only get addresses. */
    public void start(JsonNode deployment) throws InterruptedException {
        String namespace = deployment.at("/metadata/namespace").asText("default");
        JsonNode template = deployment.at("/spec/template");
        Map<String, String> labels = JSON.convertValue(
                template.at("/metadata/labels"), new com.fasterxml.jackson.core.type.TypeReference<>() {});
        JsonNode container = template.at("/spec/containers/0");
        SslContext tls = variable(container, "TLS_SERVER_CERT").isEmpty()
                ? null
                : certificates.of(
                        namespace + "/" + volume(template, "/secret/secretName"),
                        variable(container, "TLS_CLIENT_CACERTS").isEmpty()
                                ? ""
                                : namespace + "/" + volume(template, "/configMap/name"));
        for (int i = 0; i < deployment.at("/spec/replicas").asInt(1); i++) {
            if (++started > POD_LIMIT) {
                throw new IllegalStateException("more than " + POD_LIMIT + " pods");
            }
            EchoPod echo = new EchoPod(
                    namespace,
                    deployment.at("/metadata/name").asText() + "-" + started,
                    "127." + NETWORK + "." + started / 250 + "." + (1 + started % 250),
                    variable(container, "SERVICE_NAME"));
            serve(container, echo, tls);
            pods.add(new Pod(deployment, labels, echo));
        }
    }

    /** What the first volume of a kind names. */
    private static String volume(JsonNode template, String field) {
        for (JsonNode volume : template.at("/spec/volumes")) {
            if (!volume.at(field).isMissingNode()) {
                return volume.at(field).asText();
            }
        }
        return "";
    }

    private void serve(JsonNode container, EchoPod echo, @Nullable SslContext tls) throws InterruptedException {
        boolean streams = !variable(container, "TCP_ECHO_SERVER").isEmpty();
        boolean datagrams = !variable(container, "UDP_ECHO_SERVER").isEmpty();
        if (streams) {
            echo.serveStreams(group, tls);
        }
        if (datagrams) {
            echo.serveDatagrams(group, EchoPod.DATAGRAM_PORT);
        }
        // Only that something answers counts for it.
        if (container.path("image").asText().contains("coredns")) {
            echo.serveDatagrams(group, EchoPod.DNS_PORT);
        }
        if (container.path("image").asText().contains("echo-advanced")) {
            echo.serveAll(group);
        } else if (!variable(container, "GRPC_ECHO_SERVER").isEmpty()) {
            echo.serveGrpc(group);
        } else if (!streams && !datagrams && container.path("image").asText().contains("echo")) {
            echo.serve(group, tls);
        }
    }

    /** Ends the replicas of a Deployment. */
    public void stop(JsonNode deployment) {
        pods.removeIf(pod -> {
            boolean its = pod.deployment().equals(deployment);
            if (its) {
                pod.echo().close();
            }
            return its;
        });
    }

    private static String variable(JsonNode container, String name) {
        for (JsonNode variable : container.path("env")) {
            if (variable.path("name").asText().equals(name)) {
                return variable.path("value").asText();
            }
        }
        return "";
    }

    /** The pods that a Service selects; none for one without a selector. */
    public List<EchoPod> selected(JsonNode service) {
        JsonNode selector = service.at("/spec/selector");
        String namespace = service.at("/metadata/namespace").asText("default");
        if (selector.isEmpty()) {
            return List.of();
        }
        return pods.stream()
                .filter(pod -> pod.echo().namespace().equals(namespace))
                .filter(pod -> selector.properties().stream()
                        .allMatch(wanted ->
                                wanted.getValue().asText().equals(pod.labels().get(wanted.getKey()))))
                .map(Pod::echo)
                .toList();
    }

    /** The pods whose name starts with {@code prefix}, of a namespace. */
    public List<EchoPod> named(String namespace, String prefix) {
        return pods.stream()
                .map(Pod::echo)
                .filter(echo ->
                        echo.namespace().equals(namespace) && echo.name().startsWith(prefix))
                .toList();
    }

    /** What Kubernetes' EndpointSlice controller would write for a Service with a selector. */
    public ObjectNode endpointSlice(JsonNode service) {
        String name = service.at("/metadata/name").asText();
        ObjectNode slice =
                JSON.createObjectNode().put("apiVersion", "discovery.k8s.io/v1").put("kind", "EndpointSlice");
        slice.putObject("metadata")
                .put("name", name + "-echo")
                .put("namespace", service.at("/metadata/namespace").asText("default"))
                .putObject("labels")
                .put("kubernetes.io/service-name", name)
                .put("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io");
        slice.put("addressType", "IPv4");
        ArrayNode ports = slice.putArray("ports");
        for (JsonNode port : service.at("/spec/ports")) {
            ObjectNode told = ports.addObject()
                    .put("name", port.path("name").asText())
                    .put("protocol", port.path("protocol").asText("TCP"))
                    .put("port", port.path("targetPort").asInt(port.path("port").asInt()));
            if (port.has("appProtocol")) {
                told.put("appProtocol", port.path("appProtocol").asText());
            }
        }
        slice.set("endpoints", endpoints(selected(service)));
        return slice;
    }

    /** Says where the pods of a Deployment are, as their Pods would: it belongs to no Service. */
    public ObjectNode placeOfPods(JsonNode deployment) {
        ObjectNode slice =
                JSON.createObjectNode().put("apiVersion", "discovery.k8s.io/v1").put("kind", "EndpointSlice");
        slice.putObject("metadata")
                .put("name", deployment.at("/metadata/name").asText() + "-pods")
                .put("namespace", deployment.at("/metadata/namespace").asText("default"));
        slice.put("addressType", "IPv4");
        slice.putArray("ports");
        slice.set(
                "endpoints",
                endpoints(pods.stream()
                        .filter(pod -> pod.deployment().equals(deployment))
                        .map(Pod::echo)
                        .toList()));
        return slice;
    }

    /** Ready endpoints at the addresses of pods. */
    public static ArrayNode endpoints(List<EchoPod> pods) {
        ArrayNode endpoints = JSON.createArrayNode();
        for (EchoPod pod : pods) {
            ObjectNode endpoint = endpoints.addObject();
            endpoint.putArray("addresses").add(pod.address());
            endpoint.putObject("conditions")
                    .put("ready", true)
                    .put("serving", true)
                    .put("terminating", false);
            endpoint.putObject("targetRef")
                    .put("kind", "Pod")
                    .put("name", pod.name())
                    .put("namespace", pod.namespace());
        }
        return endpoints;
    }

    @Override
    public void close() {
        pods.forEach(pod -> pod.echo().close());
        group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    }
}

package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The objects of Kubernetes' own kinds that routes and listeners refer to, as they are at one moment. */
public interface ClusterView {
    Optional<ObjectNode> service(Key key);

    /** All Services. */
    List<ObjectNode> services();

    /** All EndpointSlices. */
    List<ObjectNode> slices();

    /** The EndpointSlices of a Service. */
    List<ObjectNode> slices(Key service);

    /** The IP addresses of a name outside of the cluster; nothing until it was looked up. */
    Optional<List<String>> addresses(String externalName);

    /** The state of a HealthCheck, such as Up; empty when it is not known, or there is no such check. */
    String healthState(Key key);

    /** The labels of a namespace; empty when there is none of that name. */
    Optional<Map<String, String>> namespace(String name);

    Optional<ObjectNode> secret(Key key);

    Optional<ObjectNode> configMap(Key key);
}

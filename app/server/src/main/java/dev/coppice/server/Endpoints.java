package dev.coppice.server;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;

/**
 * Where a node listens, and what a client needs to reach it.
 *
 * @param host as clients write it, in brackets when it is an IPv6 address
 * @param kubeconfig for kubectl
 * @param certificateAuthority the root certificate, PEM
 * @param clientCertificate an administrator's client certificate, PEM
 * @param clientKey its key, PEM
 * @param insecureStore whether the etcd port is plain text
 * @param etcdHost as {@code host}, where the etcd port is: another machine when an etcd keeps the resources
 * @param etcdctlFlags the flags that etcdctl needs to reach the store
 * @param etcdAuthority who signed the certificate of the etcd port, or that certificate itself, PEM
 */
public record Endpoints(
        String host,
        int apiPort,
        int etcdPort,
        int peerPort,
        int publicPort,
        Path kubeconfig,
        Path certificateAuthority,
        Path clientCertificate,
        Path clientKey,
        boolean insecureStore,
        String etcdHost,
        String etcdctlFlags,
        Path etcdAuthority) {

    public String api() {
        return "https://" + host + ":" + apiPort;
    }

    public String console() {
        return api() + "/console/";
    }

    public String etcd() {
        return etcdHost + ":" + etcdPort;
    }

    public String publicUrl() {
        return "http://" + host + ":" + publicPort;
    }

    public ObjectNode toJson() {
        return JsonNodeFactory.instance
                .objectNode()
                .put("api", api())
                .put("console", console())
                .put("etcd", etcd())
                .put("public", publicUrl())
                .put("peer", host + ":" + peerPort)
                .put("kubeconfig", kubeconfig.toString())
                .put("certificateAuthority", certificateAuthority.toString())
                .put("etcdAuthority", etcdAuthority.toString())
                .put("clientCertificate", clientCertificate.toString())
                .put("clientKey", clientKey.toString())
                .put("insecureStore", insecureStore);
    }
}

package dev.coppice.gateway.acme;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.gateway.kind.CertificateKinds;
import dev.coppice.gateway.kind.GatewayKinds;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Certificates of Gateways that are annotated with an issuer. */
final class GatewayCertificatesTest {
    private static final String LISTENERS = """
              gatewayClassName: coppice
              listeners:
              - {name: http, protocol: HTTP, port: 80}
              - {name: a, protocol: HTTPS, port: 443, hostname: shop.example, tls: {certificateRefs: [{name: shop}]}}
              - {name: b, protocol: HTTPS, port: 443, hostname: www.shop.example, tls: {certificateRefs: [{name: shop}]}}
              - {name: c, protocol: TLS, port: 443, hostname: mail.example, tls: {mode: Terminate, certificateRefs: [{name: mail}]}}
              - {name: d, protocol: TLS, port: 443, hostname: raw.example, tls: {mode: Passthrough}}
              - {name: e, protocol: HTTPS, port: 443, tls: {certificateRefs: [{name: any}]}}
              - {name: f, protocol: HTTPS, port: 443, hostname: far.example, tls: {certificateRefs: [{name: far, namespace: other}]}}
              - {name: g, protocol: HTTPS, port: 443, hostname: "*.wild.example", tls: {certificateRefs: [{name: wild}]}}
            """;

    private CertificateWorld world;

    @BeforeEach
    void start() throws Exception {
        world = new CertificateWorld();
        // Nothing is ordered: there is no such issuer.
    }

    @AfterEach
    void stop() {
        world.close();
    }

    private void gateway(String annotations) throws Exception {
        world.apply("kind: Gateway\nmetadata: {name: edge, labels: {team: web}, annotations: {" + annotations
                + "}}\nspec:\n" + LISTENERS);
    }

    private List<String> certificates() {
        return world.all(CertificateKinds.CERTIFICATE).stream()
                .map(each -> each.name() + " " + each.spec().secretName() + " "
                        + each.spec().dnsNames() + " " + each.spec().issuerRef())
                .sorted()
                .toList();
    }

    @Test
    void listenersWithOneSecretShareACertificate() throws Exception {
        gateway("cert-manager.io/issuer: acme, cert-manager.io/renew-before: 240h,"
                + " cert-manager.io/private-key-algorithm: ECDSA, cert-manager.io/common-name: x");
        world.round();
        assertThat(certificates())
                .containsExactly(
                        "mail mail [mail.example] Issuer acme",
                        "shop shop [shop.example, www.shop.example] Issuer acme");
        var shop = world.all(CertificateKinds.CERTIFICATE).stream()
                .filter(each -> each.name().equals("shop"))
                .findFirst()
                .orElseThrow();
        assertThat(shop.labels()).containsEntry("team", "web");
        assertThat(shop.spec().renewBefore()).isEqualTo("240h");
        assertThat(shop.spec().key().ecdsa()).isTrue();
        assertThat(world.client.events().toString())
                .contains(
                        "the annotation cert-manager.io/common-name is not supported",
                        "listener e gets no certificate: it has no hostname",
                        "listener f: no certificate is made for Secret far",
                        "listener g gets no certificate: ACME certifies *.wild.example by DNS only");
        long writes = world.client.calls().stream()
                .filter(each -> each.startsWith("update"))
                .count();
        world.round();
        assertThat(world.client.calls().stream().filter(each -> each.startsWith("update")))
                .hasSize((int) writes);
    }

    @Test
    void whatNoListenerWantsAnyMoreIsRemovedAndOthersStay() throws Exception {
        world.apply("""
                kind: Certificate
                metadata: {name: mail}
                spec: {secretName: mail, issuerRef: {name: another}, dnsNames: [mail.example]}
                """);
        gateway("cert-manager.io/cluster-issuer: acme");
        world.round();
        assertThat(certificates())
                .containsExactly(
                        "mail mail [mail.example] Issuer another",
                        "shop shop [shop.example, www.shop.example] ClusterIssuer acme");
        assertThat(world.client.events().toString()).contains("Certificate mail belongs to somebody else");
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        patch.withObject("/metadata").withObject("annotations").putNull("cert-manager.io/cluster-issuer");
        ObjectNode _ = world.client.mergePatch(GatewayKinds.GATEWAY.type(), "default", "edge", null, patch);
        world.round();
        assertThat(certificates()).containsExactly("mail mail [mail.example] Issuer another");
    }

    @Test
    void twoIssuersAreNone() throws Exception {
        gateway("cert-manager.io/cluster-issuer: acme, cert-manager.io/issuer: acme");
        world.round();
        assertThat(certificates()).isEmpty();
        assertThat(world.client.events().toString()).contains("it has both annotations");
    }
}

package dev.coppice.gateway.kind;

import dev.coppice.control.Kind;
import java.util.List;

/**
 * The kinds of cert-manager.io, as far as Coppice fulfils them. They are served by Coppice's own API only: in another cluster they are
 * cert-manager's.
 */
public final class CertificateKinds {
    public static final String GROUP = "cert-manager.io";
    /** Of what becomes of certificates at an ACME server. */
    public static final String ACME_GROUP = "acme.cert-manager.io";

    private static final String VERSION = "v1";
    private static final String AGE = ".metadata.creationTimestamp";

    /** Who certifies, for its namespace. */
    public static final Kind<IssuerSpec, IssuerStatus> ISSUER = issuer(Kind.namespaced(
            GROUP,
            VERSION,
            "Issuer",
            IssuerSpec.class,
            IssuerStatus.class,
            "Issuer is an ACME server that certifies names of its namespace's Certificates."));

    /** Who certifies, for all namespaces. */
    public static final Kind<IssuerSpec, IssuerStatus> CLUSTER_ISSUER = issuer(Kind.cluster(
            GROUP,
            VERSION,
            "ClusterIssuer",
            IssuerSpec.class,
            IssuerStatus.class,
            "ClusterIssuer is an ACME server that certifies names of all namespaces' Certificates."));

    /** A certificate that is always there. */
    public static final Kind<CertificateSpec, CertificateStatus> CERTIFICATE = Kind.namespaced(
                    GROUP,
                    VERSION,
                    "Certificate",
                    CertificateSpec.class,
                    CertificateStatus.class,
                    "Certificate keeps a certificate for host names in a Secret, and renews it in time.")
            .withShortNames("cert", "certs")
            .withCategories("cert-manager", "coppice")
            .withColumn("Ready", "string", condition("Ready"), "Whether the Secret holds it.")
            .withColumn("Secret", "string", ".spec.secretName", "The Secret.")
            .withColumn(new Kind.Column("Issuer", "string", ".spec.issuerRef.name", "Who certifies.", true))
            .withColumn(new Kind.Column(
                    "Status",
                    "string",
                    ".status.conditions[?(@.type==\"Ready\")].message",
                    "How it is, in words.",
                    true))
            .withColumn("Age", "date", AGE, "When it was made.");

    /** One certificate that was ordered. */
    public static final Kind<OrderSpec, OrderStatus> ORDER = Kind.namespaced(
                    ACME_GROUP,
                    VERSION,
                    "Order",
                    OrderSpec.class,
                    OrderStatus.class,
                    "Order is a certificate that was ordered from an ACME server.")
            .withCategories("cert-manager", "cert-manager-acme", "coppice")
            .withColumn("State", "string", ".status.state", "How far it is.")
            .withColumn(new Kind.Column("Issuer", "string", ".spec.issuerRef.name", "Who certifies.", true))
            .withColumn(new Kind.Column("Reason", "string", ".status.reason", "Why, in words.", true))
            .withColumn("Age", "date", AGE, "When it was made.");

    /** One name that has to be shown to be ours. */
    public static final Kind<ChallengeSpec, ChallengeStatus> CHALLENGE = Kind.namespaced(
                    ACME_GROUP,
                    VERSION,
                    "Challenge",
                    ChallengeSpec.class,
                    ChallengeStatus.class,
                    "Challenge is what an ACME server wants to see at a host name.")
            .withCategories("cert-manager", "cert-manager-acme", "coppice")
            .withColumn("State", "string", ".status.state", "How far it is.")
            .withColumn("Domain", "string", ".spec.dnsName", "The host name.")
            .withColumn(new Kind.Column("Reason", "string", ".status.reason", "Why, in words.", true))
            .withColumn("Age", "date", AGE, "When it was made.");

    private CertificateKinds() {}

    /** All of them. */
    public static List<Kind<?, ?>> all() {
        return List.of(ISSUER, CLUSTER_ISSUER, CERTIFICATE, ORDER, CHALLENGE);
    }

    private static Kind<IssuerSpec, IssuerStatus> issuer(Kind<IssuerSpec, IssuerStatus> kind) {
        return kind.withCategories("cert-manager", "coppice")
                .withColumn("Ready", "string", condition("Ready"), "Whether its account is registered.")
                .withColumn(new Kind.Column(
                        "Status",
                        "string",
                        ".status.conditions[?(@.type==\"Ready\")].message",
                        "How it is, in words.",
                        true))
                .withColumn("Age", "date", AGE, "When it was made.");
    }

    private static String condition(String type) {
        return ".status.conditions[?(@.type==\"" + type + "\")].status";
    }
}

package dev.coppice.gateway.acme;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.gateway.kind.CertificateKinds;
import dev.coppice.gateway.kind.CertificateSpec;
import dev.coppice.gateway.kind.CertificateStatus;
import dev.coppice.gateway.kind.GatewaySpec;
import dev.coppice.gateway.kind.GatewayStatus;
import dev.coppice.gateway.kind.IssuerReference;
import dev.coppice.gateway.kind.ListenerSpec;
import dev.coppice.gateway.kind.SecretReference;
import dev.coppice.schema.RecordMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Makes Certificates for listeners of Gateways that are annotated with an issuer, by the rules of cert-manager's gateway-shim: one for each Secret
 * that listeners which end TLS refer to, with their host names.
 */
final class GatewayCertificates implements Reconciler<GatewaySpec, GatewayStatus> {
    private static final String PREFIX = "cert-manager.io/";
    private static final String ISSUER = PREFIX + "issuer";
    private static final String CLUSTER_ISSUER = PREFIX + "cluster-issuer";
    private static final String DURATION = PREFIX + "duration";
    private static final String RENEW_BEFORE = PREFIX + "renew-before";
    private static final String ALGORITHM = PREFIX + "private-key-algorithm";
    private static final String SIZE = PREFIX + "private-key-size";
    private static final String ROTATION = PREFIX + "private-key-rotation-policy";
    private static final Set<String> KNOWN =
            Set.of(ISSUER, CLUSTER_ISSUER, DURATION, RENEW_BEFORE, ALGORITHM, SIZE, ROTATION);

    private final Informer<CertificateSpec, CertificateStatus> certificates;

    GatewayCertificates(Informer<CertificateSpec, CertificateStatus> certificates) {
        this.certificates = certificates;
    }

    @Override
    public Result reconcile(Request<GatewaySpec, GatewayStatus> request) {
        Resource<GatewaySpec, GatewayStatus> gateway = request.resource().orElse(null);
        if (gateway == null || gateway.deleting()) {
            return Result.DONE;
        }
        List<String> problems = new ArrayList<>();
        Map<String, CertificateSpec> wanted = wanted(gateway, problems);
        for (Resource<CertificateSpec, CertificateStatus> each : certificates.list()) {
            if (each.namespace().equals(gateway.namespace())
                    && !each.deleting()
                    && Owners.owns(gateway, each.tree())
                    && !wanted.containsKey(each.name())) {
                boolean _ =
                        request.resources().delete(CertificateKinds.CERTIFICATE.type(), each.namespace(), each.name());
            }
        }
        wanted.forEach((name, spec) -> {
            try {
                put(request, gateway, name, spec, problems);
            } catch (ApiException e) {
                if (e.code() != 422) {
                    throw e;
                }
                problems.add("Certificate " + name + " is refused: " + e.getMessage());
            }
        });
        if (!problems.isEmpty()) {
            request.resources().event(gateway.tree(), "Warning", "BadConfig", String.join("; ", problems));
        }
        return Result.DONE;
    }

    /** The Certificates that there are to be, by name, which is that of the Secret. */
    private static Map<String, CertificateSpec> wanted(
            Resource<GatewaySpec, GatewayStatus> gateway, List<String> problems) {
        Map<String, String> annotations = gateway.annotations();
        IssuerReference issuer = issuer(annotations, problems);
        if (issuer == null) {
            return Map.of();
        }
        annotations.keySet().stream()
                .filter(each -> each.contains(PREFIX) && !KNOWN.contains(each))
                .sorted()
                .forEach(each -> problems.add("the annotation " + each + " is not supported, and left out of account"));
        Map<String, Set<String>> names = new TreeMap<>();
        for (ListenerSpec listener : gateway.spec().listeners()) {
            names(gateway, listener, names, problems);
        }
        CertificateSpec.PrivateKey key = key(annotations, problems);
        Map<String, CertificateSpec> wanted = new TreeMap<>();
        names.forEach((secret, all) -> wanted.put(
                secret,
                new CertificateSpec(
                        secret,
                        List.copyOf(all),
                        issuer,
                        annotations.get(DURATION),
                        annotations.get(RENEW_BEFORE),
                        key)));
        return wanted;
    }

    private static @Nullable IssuerReference issuer(Map<String, String> annotations, List<String> problems) {
        String issuer = annotations.getOrDefault(ISSUER, "");
        String cluster = annotations.getOrDefault(CLUSTER_ISSUER, "");
        if (!issuer.isEmpty() && !cluster.isEmpty()) {
            problems.add("it has both annotations, " + ISSUER + " and " + CLUSTER_ISSUER + "; leave one out");
            return null;
        }
        if (issuer.isEmpty() && cluster.isEmpty()) {
            return null;
        }
        return issuer.isEmpty()
                ? new IssuerReference(cluster, "ClusterIssuer", CertificateKinds.GROUP)
                : new IssuerReference(issuer, "Issuer", CertificateKinds.GROUP);
    }

    private static CertificateSpec.@Nullable PrivateKey key(Map<String, String> annotations, List<String> problems) {
        String size = annotations.get(SIZE);
        Integer bits = null;
        if (size != null && size.matches("[0-9]{1,5}")) {
            bits = Integer.valueOf(size);
        } else if (size != null) {
            problems.add("the annotation " + SIZE + ": \"" + size + "\": expected a number of bits, such as 2048");
        }
        String algorithm = annotations.get(ALGORITHM);
        String rotation = annotations.get(ROTATION);
        return bits == null && algorithm == null && rotation == null
                ? null
                : new CertificateSpec.PrivateKey(algorithm, bits, rotation);
    }

    private static void names(
            Resource<GatewaySpec, GatewayStatus> gateway,
            ListenerSpec listener,
            Map<String, Set<String>> names,
            List<String> problems) {
        String protocol = listener.protocol().toUpperCase(Locale.ROOT);
        ListenerSpec.Tls tls = listener.tls();
        if (!protocol.equals("HTTPS") && !protocol.equals("TLS") || tls == null || !tls.terminates()) {
            return;
        }
        String hostname = listener.hostname() == null ? "" : listener.hostname();
        if (hostname.isEmpty() || hostname.startsWith("*.")) {
            problems.add("listener " + listener.name() + " gets no certificate: "
                    + (hostname.isEmpty()
                            ? "it has no hostname"
                            : "ACME certifies " + hostname + " by DNS only, which is not supported"));
            return;
        }
        for (SecretReference each : tls.certificateRefs()) {
            boolean own = each.groupOrDefault().isEmpty()
                    && each.kindOrDefault().equals("Secret")
                    && (each.namespace() == null || each.namespace().equals(gateway.namespace()));
            if (own) {
                names.computeIfAbsent(each.name(), _ -> new TreeSet<>()).add(hostname);
            } else {
                problems.add("listener " + listener.name() + ": no certificate is made for " + each.kindOrDefault()
                        + " " + each.name() + ", since it is no Secret of the Gateway's namespace");
            }
        }
    }

    private void put(
            Request<GatewaySpec, GatewayStatus> request,
            Resource<GatewaySpec, GatewayStatus> gateway,
            String name,
            CertificateSpec spec,
            List<String> problems) {
        Resource<CertificateSpec, CertificateStatus> known =
                certificates.get(new Key(gateway.namespace(), name)).orElse(null);
        if (known == null) {
            ObjectNode made = JsonNodeFactory.instance.objectNode();
            made.put("apiVersion", CertificateKinds.CERTIFICATE.type().apiVersion())
                    .put("kind", "Certificate");
            ObjectNode metadata = made.putObject("metadata")
                    .put("namespace", gateway.namespace())
                    .put("name", name);
            gateway.labels().forEach(metadata.putObject("labels")::put);
            Owners.own(made, gateway);
            made.set("spec", RecordMapper.fromRecord(spec));
            create(request, made);
        } else if (!Owners.owns(gateway, known.tree())) {
            problems.add("Certificate " + name + " belongs to somebody else, and stays as it is");
        } else if (!same(known.spec(), spec)) {
            ObjectNode changed = known.tree().deepCopy();
            changed.set("spec", RecordMapper.fromRecord(spec));
            ObjectNode _ = request.resources().update(CertificateKinds.CERTIFICATE.type(), changed);
        }
    }

    private static void create(Request<?, ?> request, ObjectNode made) {
        try {
            ObjectNode _ = request.resources().create(CertificateKinds.CERTIFICATE.type(), made);
        } catch (ApiException e) {
            // The copy of it here may be late; its change wakes the Gateway.
            if (e.code() != 409) {
                throw e;
            }
        }
    }

    /** But for what stands for the same. */
    private static boolean same(CertificateSpec one, CertificateSpec other) {
        return one.secretName().equals(other.secretName())
                && one.dnsNames().equals(other.dnsNames())
                && one.issuerRef().toString().equals(other.issuerRef().toString())
                && Objects.equals(one.duration(), other.duration())
                && Objects.equals(one.renewBefore(), other.renewBefore())
                && one.key().ecdsa() == other.key().ecdsa()
                && one.key().sizeOrDefault() == other.key().sizeOrDefault()
                && one.key().kept() == other.key().kept();
    }
}

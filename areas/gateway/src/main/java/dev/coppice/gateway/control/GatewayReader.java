package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.kind.GatewayClassSpec;
import dev.coppice.gateway.kind.GatewayClassStatus;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.GatewaySpec;
import dev.coppice.gateway.kind.GatewayStatus;
import dev.coppice.gateway.kind.ListenerSetSpec;
import dev.coppice.gateway.kind.ObjectReference;
import dev.coppice.gateway.kind.SecretReference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads the Gateways of this controller's classes, with their ListenerSets. */
final class GatewayReader {
    private final Snapshot snapshot;
    private final References references;
    private final Capabilities capabilities;

    GatewayReader(Snapshot snapshot, References references, Capabilities capabilities) {
        this.snapshot = snapshot;
        this.references = references;
        this.capabilities = capabilities;
    }

    /** The Gateways by key, the oldest first; only those of classes that name {@code controller}. */
    Map<Key, GatewayState> read(String controller) {
        Map<String, Resource<GatewayClassSpec, GatewayClassStatus>> classes = new HashMap<>();
        for (var each : snapshot.classes()) {
            if (each.spec().controllerName().equals(controller)) {
                classes.put(each.name(), each);
            }
        }
        Map<Key, GatewayState> all = new LinkedHashMap<>();
        snapshot.gateways().stream().sorted(Age.OLDEST_FIRST).forEach(gateway -> {
            var found = classes.get(gateway.spec().gatewayClassName());
            if (found != null && !gateway.deleting()) {
                all.put(gateway.key(), gateway(gateway, found.spec().parametersRef() != null));
            }
        });
        snapshot.listenerSets().stream().sorted(Age.OLDEST_FIRST).forEach(set -> {
            ListenerSetSpec.Parent parent = set.spec().parentRef();
            boolean isGateway = (parent.group() == null || parent.group().equals(GatewayKinds.GROUP))
                    && (parent.kind() == null || parent.kind().equals("Gateway"));
            GatewayState gateway =
                    all.get(new Key(parent.namespace() == null ? set.namespace() : parent.namespace(), parent.name()));
            if (isGateway && gateway != null && !set.deleting()) {
                GatewayState.SetState state = new GatewayState.SetState(set, allows(gateway.gateway, set.namespace()));
                set.spec().listeners().forEach(spec -> {
                    ListenerState listener = new ListenerState("ListenerSet", set.key(), spec);
                    listener.examine(references, capabilities);
                    state.listeners.add(listener);
                });
                gateway.sets.add(state);
            }
        });
        for (GatewayState gateway : all.values()) {
            frontend(gateway);
            List<List<ListenerState>> owners = new ArrayList<>();
            owners.add(gateway.own);
            gateway.sets.stream().filter(set -> set.allowed).forEach(set -> owners.add(set.listeners));
            Conflicts.find(owners);
        }
        return all;
    }

    private GatewayState gateway(Resource<GatewaySpec, GatewayStatus> gateway, boolean classParameters) {
        GatewayState state = new GatewayState(gateway);
        GatewaySpec.Infrastructure infrastructure = gateway.spec().infrastructure();
        if (classParameters) {
            state.refused = new References.Problem("Invalid", "its GatewayClass is not accepted: see its status");
        } else if (infrastructure != null && infrastructure.parametersRef() != null) {
            state.refused = new References.Problem(
                    "InvalidParameters",
                    "spec.infrastructure.parametersRef: "
                            + infrastructure.parametersRef().kind() + " "
                            + infrastructure.parametersRef().name()
                            + " is not supported: there are no parameters yet; leave it out");
        } else {
            gateway.spec().addresses().stream()
                    .filter(each -> !each.isIp())
                    .findFirst()
                    .ifPresent(each -> state.refused = new References.Problem(
                            "UnsupportedAddress",
                            "spec.addresses: the type " + each.type() + " is not supported; use IPAddress"));
        }
        gateway.spec().listeners().forEach(spec -> {
            ListenerState listener = new ListenerState("Gateway", gateway.key(), spec);
            listener.examine(references, capabilities);
            state.own.add(listener);
        });
        GatewaySpec.Tls tls = gateway.spec().tls();
        SecretReference client =
                tls == null || tls.backend() == null ? null : tls.backend().clientCertificateRef();
        if (client != null) {
            References.Looked<TlsConfig.Certificate> shown =
                    references.certificate("Gateway", gateway.namespace(), client, "InvalidClientCertificateRef");
            state.shown = shown;
            state.unresolved = shown.problem();
        }
        return state;
    }

    private boolean allows(Resource<GatewaySpec, GatewayStatus> gateway, String namespace) {
        GatewaySpec.AllowedListeners allowed = gateway.spec().allowedListeners();
        GatewaySpec.AllowedListeners.Namespaces namespaces = allowed == null ? null : allowed.namespaces();
        String from = namespaces == null || namespaces.from() == null ? "None" : namespaces.from();
        return switch (from) {
            case "All" -> true;
            case "Same" -> namespace.equals(gateway.namespace());
            case "Selector" -> {
                Optional<Map<String, String>> labels = snapshot.cluster().namespace(namespace);
                yield namespaces != null
                        && namespaces.selector() != null
                        && labels.isPresent()
                        && namespaces.selector().matches(labels.get());
            }
            default -> false;
        };
    }

    /** Certificates that clients have to show, for the HTTPS listeners. */
    private void frontend(GatewayState gateway) {
        GatewaySpec.Tls tls = gateway.gateway.spec().tls();
        GatewaySpec.FrontendTls frontend = tls == null ? null : tls.frontend();
        if (frontend == null) {
            return;
        }
        Map<Integer, GatewaySpec.TlsConfig> ports = new HashMap<>();
        frontend.perPort().forEach(each -> ports.put(each.port(), each.tls()));
        for (ListenerState listener : gateway.listeners()) {
            GatewaySpec.TlsConfig config = ports.getOrDefault(listener.port, frontend.defaults());
            GatewaySpec.Validation validation = config == null ? null : config.validation();
            if (!listener.protocol.equals("HTTPS") || validation == null) {
                continue;
            }
            gateway.insecure |= "AllowInsecureFallback".equals(validation.mode());
            StringBuilder authorities = new StringBuilder();
            References.@Nullable Problem first = null;
            for (ObjectReference reference : validation.caCertificateRefs()) {
                References.Looked<String> looked =
                        references.authorities("Gateway", gateway.gateway.namespace(), reference);
                if (looked.value() != null) {
                    authorities.append(looked.value()).append('\n');
                } else if (first == null) {
                    first = looked.problem();
                }
            }
            listener.clients = new TlsConfig.ClientValidation(
                    authorities.toString(), "AllowInsecureFallback".equals(validation.mode()));
            if (first != null && listener.unresolved == null) {
                listener.unresolved = first;
            }
            if (first != null && authorities.isEmpty()) {
                listener.refuse("NoValidCACertificate", first.message());
            }
        }
    }
}

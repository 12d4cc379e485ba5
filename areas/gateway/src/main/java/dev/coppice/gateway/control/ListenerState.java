package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.TlsConfig;
import dev.coppice.gateway.kind.AllowedRoutes;
import dev.coppice.gateway.kind.AllowedRoutes.RouteKind;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.ListenerSpec;
import dev.coppice.gateway.kind.SecretReference;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A listener while it is looked at: what is known of it so far. Not safe for use by many threads. */
final class ListenerState {
    final ListenerSpec spec;
    final String ownerKind;
    final Key owner;
    final String protocol;
    final String hostname;
    final int port;
    final List<RouteKind> kinds = new ArrayList<>();
    final List<RouteConfig> routes = new ArrayList<>();
    /** The certificates that its references lead to. */
    final List<TlsConfig.Certificate> shown = new ArrayList<>();

    /** What its clients have to show. */
    TlsConfig.@Nullable ClientValidation clients;

    int attached;

    /** The route that was attached last. */
    @Nullable
    RouteView last;

    boolean overlaps;

    /** An ACME server is to look at its certificate. */
    boolean challenged;

    boolean resolved = true;

    /** Why it is not accepted. */
    References.@Nullable Problem refused;

    /** Why some reference of it leads nowhere. */
    References.@Nullable Problem unresolved;

    @Nullable
    String conflict;

    ListenerState(String ownerKind, Key owner, ListenerSpec spec) {
        this.ownerKind = ownerKind;
        this.owner = owner;
        this.spec = spec;
        this.protocol = spec.protocol().toUpperCase(Locale.ROOT);
        this.hostname = protocol.equals("TCP") || protocol.equals("UDP") ? "" : Hostnames.normal(spec.hostname());
        this.port = spec.port();
    }

    /** Its name in the configuration. */
    String configName() {
        return ownerKind.equals("Gateway") ? spec.name() : owner.namespace() + "/" + owner.name() + "/" + spec.name();
    }

    /** Datagrams and connections have ports of their own. */
    String portKey() {
        return (protocol.equals("UDP") ? "udp/" : "tcp/") + port;
    }

    boolean encrypted() {
        return protocol.equals("HTTPS") || protocol.equals("TLS");
    }

    /** Whether TLS goes through it as it comes. */
    boolean passes() {
        return protocol.equals("TLS") && spec.tls() != null && !spec.tls().terminates();
    }

    /** How it ends TLS; null when it does not. */
    @Nullable
    TlsConfig tls() {
        return shown.isEmpty() ? null : new TlsConfig(shown, clients);
    }

    boolean accepted() {
        return refused == null;
    }

    /** Whether anything can be served of it, were there a data plane for its protocol. */
    boolean usable() {
        return refused == null && resolved && !kinds.isEmpty();
    }

    /** Looks at it alone. */
    void examine(References references, Capabilities capabilities) {
        if (!Capabilities.known(protocol)) {
            refuse(
                    "UnsupportedProtocol",
                    "the protocol " + spec.protocol() + " is not supported; use HTTP, HTTPS, TLS, TCP or UDP");
            return;
        }
        List<RouteKind> fitting = capabilities.kinds(protocol);
        AllowedRoutes allowed = spec.allowedRoutes();
        List<RouteKind> asked = allowed == null ? List.of() : allowed.kinds();
        if (asked.isEmpty()) {
            kinds.addAll(fitting);
        } else {
            Set<RouteKind> good = new LinkedHashSet<>();
            for (RouteKind each : asked) {
                RouteKind whole = new RouteKind(each.groupOrDefault(), each.kind());
                if (fitting.contains(whole)) {
                    good.add(whole);
                } else if (unresolved == null) {
                    unresolved = new References.Problem(
                            "InvalidRouteKinds",
                            each.kind() + " of the group " + each.groupOrDefault()
                                    + " is no kind of routes that a listener of the protocol " + protocol + " takes");
                }
            }
            kinds.addAll(good);
        }
        AllowedRoutes.Namespaces namespaces = allowed == null ? null : allowed.namespaces();
        if (namespaces != null && "Selector".equals(namespaces.from())) {
            String problem = namespaces.selector() == null
                    ? "allowedRoutes.namespaces.from is Selector; give a selector too"
                    : namespaces.selector().problem();
            if (problem != null) {
                refuse("UnsupportedValue", problem);
            }
        }
        if (encrypted() && (spec.tls() == null || spec.tls().terminates())) {
            certificates(references);
        }
    }

    private void certificates(References references) {
        List<SecretReference> all = spec.tls() == null ? List.of() : spec.tls().certificateRefs();
        References.@Nullable Problem first = all.isEmpty()
                ? new References.Problem("InvalidCertificateRef", "tls.certificateRefs names no certificate")
                : null;
        for (SecretReference reference : all) {
            References.Looked<TlsConfig.Certificate> looked =
                    references.certificate(ownerKind, owner.namespace(), reference, "InvalidCertificateRef");
            if (looked.value() != null) {
                shown.add(looked.value());
            } else if (first == null) {
                first = looked.problem();
            }
        }
        if (first != null) {
            unresolved = first;
        }
        resolved &= !shown.isEmpty();
    }

    void refuse(String reason, String message) {
        if (refused == null) {
            refused = new References.Problem(reason, message);
        }
    }

    void conflict(String reason, String message) {
        conflict = reason;
        refused = new References.Problem(reason, message);
    }

    /** Whether routes of a kind may attach, as far as the kind goes. */
    boolean takes(String kind) {
        return kinds.stream()
                .anyMatch(each ->
                        each.kind().equals(kind) && each.groupOrDefault().equals(GatewayKinds.GROUP));
    }
}

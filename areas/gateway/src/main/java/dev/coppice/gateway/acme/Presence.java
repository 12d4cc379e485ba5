package dev.coppice.gateway.acme;

import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.challenge.ChallengeCertificate;
import dev.coppice.gateway.control.Hostnames;
import dev.coppice.gateway.kind.AllowedRoutes;
import dev.coppice.gateway.kind.ChallengeSpec;
import dev.coppice.gateway.kind.GatewaySpec;
import dev.coppice.gateway.kind.GatewayStatus;
import dev.coppice.gateway.kind.ListenerSetSpec;
import dev.coppice.gateway.kind.ListenerSetStatus;
import dev.coppice.gateway.kind.ListenerSpec;
import dev.coppice.gateway.kind.ParentReference;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Timers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Looks whether gateways show a challenge, before the ACME server is told to: it looks once, and few failures are forgiven. Each listener that may
 * show it is asked at the address of its Gateway, whatever the name resolves to. Safe for use by many threads.
 */
class Presence {
    private static final int MILLIS = 3000;
    private static final int MOST_BYTES = 8 << 10;
    private static final int MOST_PLACES = 32;

    /** For a place, however slowly it answers. */
    private static final Duration PLACE_LIMIT = Duration.ofSeconds(5);

    /** For all places of one look; what was not looked at by then is not seen. */
    private static final long LOOK_NANOS = Duration.ofSeconds(30).toNanos();

    /** Once one has shown it, the others get so long. Some never will, as those that do not allow routes from its namespace. */
    private static final long OTHERS_NANOS = Duration.ofSeconds(5).toNanos();

    /** Where a listener takes connections. */
    private record Place(String address, int port) {
        @Override
        public String toString() {
            return address + " port " + port;
        }
    }

    /**
     * A place that may show it.
     *
     * @param own whether its listener is in the Challenge's namespace
     */
    private record Candidate(Place place, boolean own) {}

    private final Kernel kernel;
    private final Informer<GatewaySpec, GatewayStatus> gateways;
    private final Informer<ListenerSetSpec, ListenerSetStatus> sets;
    private final Map<Key, Long> firstSeen = new ConcurrentHashMap<>();

    Presence(
            Kernel kernel,
            Informer<GatewaySpec, GatewayStatus> gateways,
            Informer<ListenerSetSpec, ListenerSetStatus> sets) {
        this.kernel = kernel;
        this.gateways = gateways;
        this.sets = sets;
    }

    /** Why a challenge cannot be shown to the server yet; null when it can. Blocks. */
    @Nullable
    String problem(Resource<ChallengeSpec, ?> challenge) {
        ChallengeSpec spec = challenge.spec();
        List<Place> places = places(challenge.namespace(), spec);
        if (places.isEmpty()) {
            return "no Gateway with an address has a listener of " + (spec.tls() ? "HTTPS or TLS" : "HTTP") + " for "
                    + spec.dnsName();
        }
        String first = null;
        int right = 0;
        long begun = kernel.clock().nanoTime();
        for (Place each : places) {
            String problem = kernel.clock().nanoTime() - begun > LOOK_NANOS
                    ? "the others take too long to answer"
                    : spec.tls() ? handshake(each, spec) : file(each, spec);
            if (problem == null) {
                right++;
            } else if (first == null) {
                first = each + ": " + problem;
            }
        }
        if (right == places.size()) {
            return null;
        }
        if (right == 0) {
            return "it is not shown yet: " + first;
        }
        long now = kernel.clock().nanoTime();
        Long since = firstSeen.putIfAbsent(challenge.key(), now);
        return since != null && now - since > OTHERS_NANOS ? null : "it is not shown everywhere yet: " + first;
    }

    void forget(Key challenge) {
        firstSeen.remove(challenge);
    }

    // ---- where

    private List<Place> places(String namespace, ChallengeSpec spec) {
        List<Candidate> all = new ArrayList<>();
        for (Resource<GatewaySpec, GatewayStatus> gateway : gateways.list()) {
            for (ListenerSpec each : gateway.spec().listeners()) {
                add(all, gateway, "Gateway", gateway.key(), each, namespace, spec);
            }
        }
        for (Resource<ListenerSetSpec, ListenerSetStatus> set : sets.list()) {
            ListenerSetSpec.Parent parent = set.spec().parentRef();
            String in = parent.namespace() == null ? set.namespace() : parent.namespace();
            Resource<GatewaySpec, GatewayStatus> gateway =
                    gateways.get(new Key(in, parent.name())).orElse(null);
            if (gateway != null) {
                for (ListenerSpec each : set.spec().listeners()) {
                    add(all, gateway, "ListenerSet", set.key(), each, namespace, spec);
                }
            }
        }
        // Its own namespace's come first, whoever else has listeners for the name.
        all.sort(Comparator.comparing(each -> !each.own));
        return all.stream().map(Candidate::place).distinct().limit(MOST_PLACES).toList();
    }

    private static void add(
            List<Candidate> all,
            Resource<GatewaySpec, GatewayStatus> gateway,
            String ownerKind,
            Key owner,
            ListenerSpec listener,
            String namespace,
            ChallengeSpec spec) {
        String protocol = listener.protocol().toUpperCase(Locale.ROOT);
        String hostname = listener.hostname() == null ? "" : listener.hostname().toLowerCase(Locale.ROOT);
        boolean fits = spec.tls() ? ends(protocol, listener.tls()) : protocol.equals("HTTP");
        List<ParentReference> parents = spec.solver().parentRefs();
        boolean chosen = parents.isEmpty()
                || parents.stream()
                        .anyMatch(each -> each.kindOrDefault().equals(ownerKind)
                                && owner.equals(
                                        new Key(each.namespace() == null ? namespace : each.namespace(), each.name()))
                                && (each.sectionName() == null
                                        || each.sectionName().equals(listener.name()))
                                && (each.port() == null || each.port().equals(listener.port())));
        GatewayStatus status = gateway.status();
        boolean own = namespace.equals(owner.namespace());
        if (fits && chosen && (own || open(listener)) && status != null && Hostnames.covers(hostname, spec.dnsName())) {
            status.addresses().forEach(each -> all.add(new Candidate(new Place(each.value(), listener.port()), own)));
        }
    }

    private static boolean ends(String protocol, ListenerSpec.@Nullable Tls tls) {
        return protocol.equals("HTTPS") || protocol.equals("TLS") && (tls == null || tls.terminates());
    }

    /** Whether it may take routes from other namespaces. */
    private static boolean open(ListenerSpec listener) {
        AllowedRoutes.Namespaces namespaces = listener.allowedRoutes() == null
                ? null
                : listener.allowedRoutes().namespaces();
        return namespaces != null && ("All".equals(namespaces.from()) || "Selector".equals(namespaces.from()));
    }

    // ---- what is shown there

    private static Socket connect(Place place) throws IOException {
        Socket socket = new Socket();
        try {
            socket.setSoTimeout(MILLIS);
            socket.connect(new InetSocketAddress(InetAddress.ofLiteral(place.address), place.port), MILLIS);
            return socket;
        } catch (IOException | IllegalArgumentException e) {
            socket.close();
            throw e;
        }
    }

    /** Ends a connection whose peer sends a byte now and then. */
    private Timers.Timer limit(Socket socket) {
        return kernel.timers().schedule(PLACE_LIMIT, () -> {
            try {
                socket.close();
            } catch (IOException e) {
                // Then reads end by their own limit.
            }
        });
    }

    private @Nullable String file(Place place, ChallengeSpec spec) {
        Timers.Timer limit = null;
        try (Socket socket = connect(place)) {
            limit = limit(socket);
            socket.getOutputStream()
                    .write(("GET /.well-known/acme-challenge/" + spec.token() + " HTTP/1.1\r\nHost: " + spec.dnsName()
                                    + "\r\nUser-Agent: coppice-certificates\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readNBytes(MOST_BYTES), StandardCharsets.ISO_8859_1);
            int body = answer.indexOf("\r\n\r\n");
            if (body > 0
                    && answer.startsWith("HTTP/1.1 200 ")
                    && answer.substring(body + 4).equals(spec.key())) {
                return null;
            }
            int line = answer.indexOf('\r');
            return "it answers with " + (line < 0 ? "no HTTP" : Failure.bounded(answer.substring(0, line)));
        } catch (IOException | IllegalArgumentException e) {
            return String.valueOf(e.getMessage());
        } finally {
            cancel(limit);
        }
    }

    private @Nullable String handshake(Place place, ChallengeSpec spec) {
        Timers.Timer limit = null;
        try (Socket plain = connect(place)) {
            limit = limit(plain);
            Shown shown = new Shown();
            SSLContext tls = SSLContext.getInstance("TLS");
            tls.init(null, new TrustManager[] {shown}, kernel.secureRandom());
            SSLSocket socket = (SSLSocket) tls.getSocketFactory().createSocket(plain, spec.dnsName(), place.port, true);
            SSLParameters parameters = socket.getSSLParameters();
            parameters.setApplicationProtocols(new String[] {ChallengeCertificate.PROTOCOL});
            parameters.setServerNames(List.of(new SNIHostName(spec.dnsName())));
            socket.setSSLParameters(parameters);
            socket.startHandshake();
            X509Certificate certificate = shown.certificate;
            boolean right = ChallengeCertificate.PROTOCOL.equals(socket.getApplicationProtocol())
                    && certificate != null
                    && ChallengeCertificate.answers(certificate, spec.key());
            return right ? null : "it shows another certificate";
        } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
            return String.valueOf(e.getMessage());
        } finally {
            cancel(limit);
        }
    }

    private static void cancel(Timers.@Nullable Timer limit) {
        if (limit != null) {
            boolean _ = limit.cancel();
        }
    }

    /** Keeps what a server shows. */
    private static final class Shown implements X509TrustManager {
        private volatile @Nullable X509Certificate certificate;

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {
            certificate = chain[0];
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}

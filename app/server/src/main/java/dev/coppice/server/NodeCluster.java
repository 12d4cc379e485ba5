package dev.coppice.server;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import dev.coppice.distribution.membership.Addresses;
import dev.coppice.distribution.transport.GrpcTransport;
import dev.coppice.distribution.transport.Heartbeats;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.GrpcListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.serving.PeerTls;
import dev.coppice.serving.TlsSource;
import dev.coppice.store.Store;
import dev.coppice.store.StoreException;
import dev.coppice.store.log.MemberRecord;
import dev.coppice.store.raft.ClusterMember;
import dev.coppice.store.raft.ClusterSettings;
import dev.coppice.store.raft.GrpcPeerTransport;
import dev.coppice.store.raft.Member;
import dev.coppice.store.raft.PeerMethods;
import dev.coppice.store.raft.PeerServices;
import dev.coppice.store.wire.AskRequest;
import dev.coppice.store.wire.AskResponse;
import dev.coppice.store.wire.Election;
import dev.coppice.store.wire.Failure;
import dev.coppice.store.wire.JoinRequest;
import dev.coppice.store.wire.JoinResponse;
import dev.coppice.store.wire.MemberStatus;
import dev.coppice.store.wire.Progress;
import dev.coppice.store.wire.RelayAnswer;
import dev.coppice.store.wire.RelayQuestion;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A node's part in its cluster: the listener for other nodes, what it tells them, and what it tells about them. */
public final class NodeCluster {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final System.Logger LOG = System.getLogger(NodeCluster.class.getName());
    private static final int MAX_CONNECTIONS = 1_000;
    private static final int CLOSING_AT_A_TIME = 8;
    private static final Duration DEFAULT_TTL = Duration.ofHours(1);
    private static final Duration MAX_TTL = Duration.ofDays(7);

    private final Kernel kernel;
    private final Path data;
    private final ClusterFile file;
    private final CertificateAuthority authority;
    private final GrpcListener listener;
    private final ClusterSettings settings;
    private final GrpcTransport transport;
    private volatile @Nullable Store store;

    NodeCluster(
            Kernel kernel,
            Path data,
            ClusterFile file,
            CertificateAuthority authority,
            InetAddress address,
            String name,
            PeerOptions peers)
            throws StartException {
        this.kernel = kernel;
        this.data = data;
        this.file = file;
        this.authority = authority;
        TlsSource tls = certificates(peers, name);
        this.transport = new GrpcTransport(
                kernel, tls, Heartbeats.DEFAULT, kernel.root().executor("connections", CLOSING_AT_A_TIME));
        PeerServices services = new PeerServices();
        services.onJoin(this::join);
        this.listener = new GrpcListener(
                kernel,
                new ListenerOptions(
                        "peer",
                        new InetSocketAddress(address, port()),
                        tls,
                        PeerMethods.MAX_MESSAGE_BYTES,
                        MAX_CONNECTIONS),
                Stream.concat(services.services(tls).stream(), transport.services().stream())
                        .toList(),
                List.of(),
                PeerServices.DIRECT);
        GrpcPeerTransport.Metrics metrics = new GrpcPeerTransport.Metrics(kernel);
        services.onReceived(metrics::received);
        this.settings = new ClusterSettings(
                services,
                addresses -> new GrpcPeerTransport(kernel, metrics, tls, addresses),
                file.founders(),
                file.peerUrl(),
                peers.election());
    }

    private TlsSource certificates(PeerOptions peers, String name) throws StartException {
        try {
            return peers.certificates().orElseGet(() -> authority.peer(List.of(name, host())));
        } catch (IOException e) {
            throw new StartException(String.valueOf(e.getMessage()), e);
        }
    }

    /** Where other nodes reach this one, without the port. */
    String host() {
        String host = URI.create(file.peerUrl()).getHost();
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }

    int port() {
        return URI.create(file.peerUrl()).getPort();
    }

    ClusterSettings settings() {
        return settings;
    }

    ChildSpec listener() {
        return ChildSpec.service("peer", () -> listener);
    }

    GrpcTransport transport() {
        return transport;
    }

    /** Where the members of the store listen for other nodes. */
    Set<InetSocketAddress> peers() {
        Set<InetSocketAddress> found = new LinkedHashSet<>();
        for (MemberRecord each : store().machine().roster().members()) {
            for (String url : each.getPeerUrlsList()) {
                URI parsed = URI.create(url);
                Addresses.parse(parsed.getHost() + ":" + parsed.getPort()).ifPresent(found::add);
            }
        }
        return found;
    }

    /** See {@link PeerServices#onRelay}. */
    void onRelay(Function<RelayQuestion, RelayAnswer> answering) {
        settings.services().onRelay(answering);
    }

    AskResponse askLeader(AskRequest request) {
        return member().ask(request);
    }

    void use(Store opened) {
        store = opened;
    }

    private Store store() {
        Store current = store;
        if (current == null) {
            throw new StoreException(io.grpc.Status.Code.UNAVAILABLE, "the node is being started; try again");
        }
        return current;
    }

    /** Whether this node was removed from the cluster, as far as it knows. */
    boolean removed() {
        Store current = store;
        try {
            return current != null
                    && current.cluster().map(ClusterMember::removed).orElse(false);
        } catch (StoreException e) {
            return false;
        }
    }

    private ClusterMember member() {
        return store().cluster().orElseThrow(() -> new IllegalStateException("no cluster"));
    }

    // ---- joining

    private JoinResponse join(JoinRequest request) {
        try {
            AskResponse answer =
                    member().ask(AskRequest.newBuilder().setJoin(request).build());
            store().log().barrier();
            JoinResponse.Builder response = JoinResponse.newBuilder()
                    .setMember(answer.getMember())
                    .setCluster(HexFormat.of()
                            .toHexDigits(Member.identity(data.resolve("store"))
                                    .orElseThrow()
                                    .cluster()))
                    .addAllMembers(store().machine().roster().members());
            for (Map.Entry<String, byte[]> each : ClusterKeys.read(data).entrySet()) {
                response.putFiles(each.getKey(), ByteString.copyFrom(each.getValue()));
            }
            LOG.log(System.Logger.Level.INFO, "the node {0} joins the cluster", request.getName());
            return response.build();
        } catch (StoreException e) {
            return refused(e.code().value(), String.valueOf(e.getMessage()));
        } catch (IOException e) {
            return refused(
                    io.grpc.Status.Code.INTERNAL.value(), "the keys of this node cannot be read: " + e.getMessage());
        }
    }

    private static JoinResponse refused(int code, String why) {
        return JoinResponse.newBuilder()
                .setFailure(Failure.newBuilder().setCode(code).setText(why))
                .build();
    }

    /** Makes a token with which one node may join; it is shown once, and only its hash is kept. */
    private ObjectNode makeToken(Duration ttl) {
        byte[] id = new byte[4];
        byte[] secret = new byte[32];
        kernel.secureRandom().nextBytes(id);
        kernel.secureRandom().nextBytes(secret);
        JoinToken token = new JoinToken(HexFormat.of().formatHex(id), secret, PeerTls.fingerprint(authority.root()));
        Instant end = kernel.clock().now().plus(ttl);
        member().keepToken(token.id(), secret, end);
        return JSON.createObjectNode()
                .put("token", token.encoded())
                .put("expires", end.toString())
                .put("join", host() + ":" + port());
    }

    // ---- what it serves beside the API

    /** {@code GET PREFIX}: how the cluster is. {@code POST PREFIX/tokens?ttlSeconds=N}: a join token. */
    void handle(Exchange exchange) throws IOException {
        try {
            if (exchange.path().endsWith("/tokens")) {
                if (!exchange.method().equals("POST")) {
                    exchange.status(405).send("application/json", "{\"error\":\"POST makes a token\"}");
                    return;
                }
                Duration ttl = exchange.query("ttlSeconds")
                        .map(text -> Duration.ofSeconds(Long.parseLong(text)))
                        .orElse(DEFAULT_TTL);
                if (ttl.isNegative() || ttl.isZero() || ttl.compareTo(MAX_TTL) > 0) {
                    throw new NumberFormatException();
                }
                exchange.send("application/json", makeToken(ttl).toString());
            } else {
                exchange.send("application/json", status().toString());
            }
        } catch (NumberFormatException e) {
            fail(exchange, 400, "ttlSeconds: expected 1 to " + MAX_TTL.toSeconds());
        } catch (StoreException e) {
            fail(exchange, 503, String.valueOf(e.getMessage()));
        }
    }

    private static void fail(Exchange exchange, int status, String why) throws IOException {
        exchange.status(status)
                .send(
                        "application/json",
                        JSON.createObjectNode().put("error", why).toString());
    }

    /** The name of the node that leads; empty when none is known, or it cannot be asked. */
    String leader() {
        try {
            return status().path("leader").asText();
        } catch (StoreException e) {
            return "";
        }
    }

    /** How the cluster is: each member as itself tells, and how far it is as the leader sees it. */
    public ObjectNode status() {
        ClusterMember member = member();
        List<MemberRecord> members = store().machine().roster().members();
        List<MemberStatus> told = askAll(member, members);
        ObjectNode all = JSON.createObjectNode();
        MemberStatus own = told.stream()
                .filter(each -> each.getId() == store().machine().memberId())
                .findFirst()
                .orElse(MemberStatus.getDefaultInstance());
        MemberStatus leader = told.stream()
                .filter(each -> each.getRole().equals("leader"))
                .max((left, right) -> Long.compare(left.getTerm(), right.getTerm()))
                .orElse(MemberStatus.getDefaultInstance());
        all.put("leader", name(members, leader.getId())).put("term", own.getTerm());
        ArrayNode rows = all.putArray("members");
        for (int i = 0; i < members.size(); i++) {
            rows.add(row(members.get(i), told.get(i), leader));
        }
        ArrayNode elections = all.putArray("elections");
        for (Election each : own.getElectionsList()) {
            elections
                    .addObject()
                    .put("at", Instant.ofEpochMilli(each.getAt()).toString())
                    .put("term", each.getTerm())
                    .put("leader", name(members, each.getLeader()));
        }
        return all;
    }

    /** All at once: one that does not answer costs its second once. */
    private List<MemberStatus> askAll(ClusterMember member, List<MemberRecord> members) {
        try {
            return kernel.tasks(16).map(members, member::status);
        } catch (ExecutionException | java.util.concurrent.TimeoutException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreException(io.grpc.Status.Code.CANCELLED, "interrupted", e);
        }
    }

    private static String name(List<MemberRecord> members, long id) {
        return members.stream()
                .filter(each -> each.getId() == id)
                .map(each -> each.getName().isEmpty() ? Long.toHexString(id) : each.getName())
                .findFirst()
                .orElse("");
    }

    private static ObjectNode row(MemberRecord member, MemberStatus status, MemberStatus leader) {
        Progress progress = leader.getProgressList().stream()
                .filter(each -> each.getId() == member.getId())
                .findFirst()
                .orElse(Progress.getDefaultInstance());
        boolean answers = !status.getRole().isEmpty();
        String role = answers ? status.getRole() : member.getName().isEmpty() ? "not started" : "not reachable";
        if (answers && role.equals("follower") && leader.getId() != 0 && !progress.getVoter()) {
            role = "catching up";
        }
        ObjectNode row = JSON.createObjectNode()
                .put("id", Long.toHexString(member.getId()))
                .put("name", member.getName())
                .put("role", role)
                .put("voter", progress.getVoter())
                .put("reachable", answers)
                .put("term", status.getTerm())
                .put("applied", status.getAppliedIndex())
                .put("committed", status.getCommittedIndex())
                .put("bytes", status.getBytes());
        if (answers && leader.getId() != 0) {
            row.put("lag", Math.max(0, leader.getCommittedIndex() - status.getCommittedIndex()));
        }
        member.getPeerUrlsList().forEach(row.putArray("peerUrls")::add);
        member.getClientUrlsList().forEach(row.putArray("clientUrls")::add);
        return row;
    }
}

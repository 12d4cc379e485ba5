package dev.coppice.server;

import com.google.protobuf.ByteString;
import dev.coppice.kernel.DurableFile;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.GrpcConnection;
import dev.coppice.serving.TlsSource;
import dev.coppice.store.log.MemberRecord;
import dev.coppice.store.raft.Member;
import dev.coppice.store.wire.JoinGrpc;
import dev.coppice.store.wire.JoinRequest;
import dev.coppice.store.wire.JoinResponse;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Finds out how a node takes part in a cluster, before anything of it runs: as it did before; as one of those who begin one;
 * or by joining one, which fetches the keys that the nodes share.
 */
final class ClusterStart {

    private static final int MAX_ANSWER_BYTES = 4 << 20;
    private static final long JOIN_SECONDS = 20;

    private final Kernel kernel;
    private final ServerOptions options;
    private final Path data;
    private final InetAddress address;
    private final Consumer<String> progress;

    ClusterStart(Kernel kernel, ServerOptions options, Path data, InetAddress address, Consumer<String> progress) {
        this.kernel = kernel;
        this.options = options;
        this.data = data;
        this.address = address;
        this.progress = progress;
    }

    /**
     * How it takes part.
     *
     * @param identity who it is when its store is new
     */
    record Part(ClusterFile file, Member.@Nullable Identity identity) {}

    /** Empty for a node that is alone. */
    Optional<Part> find() throws IOException {
        Optional<ClusterFile> before = ClusterFile.read(data);
        if (before.isPresent()) {
            if (options.cluster().asked()) {
                progress.accept("This node is part of a cluster already: --cluster and --join are not looked at");
            }
            return Optional.of(new Part(before.get(), null));
        }
        if (options.cluster().members() != null) {
            return Optional.of(begin());
        }
        return options.cluster().join() == null ? Optional.empty() : Optional.of(join());
    }

    private Path store() {
        return data.resolve("store");
    }

    private static String url(InetSocketAddress address) {
        String host = address.getHostString();
        return "https://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
    }

    // ---- beginning

    private Part begin() throws IOException {
        Map<String, InetSocketAddress> named = options.cluster().founders();
        InetSocketAddress own = named.get(options.name());
        if (own == null) {
            throw new IOException("--cluster: does not name this node");
        }
        Optional<Member.Identity> known = Member.identity(store());
        if (named.size() == 1) {
            Member.Identity alone = known.orElseGet(() -> new Member.Identity(positive(), positive()));
            ClusterFile file = new ClusterFile(url(own), Map.of(alone.member(), url(own)));
            return written(file, alone);
        }
        if (known.isPresent()) {
            throw new IOException("--cluster: " + store()
                    + " holds a store already, and others that begin with it would not have what it holds: start it with"
                    + " --cluster " + options.name() + "=HOST:PORT alone, then let the others --join");
        }
        Path keysFile = options.cluster().keysFile();
        if (keysFile == null) {
            throw new IOException("--cluster-keys: missing");
        }
        ClusterKeys.Shared shared = ClusterKeys.load(keysFile);
        refuseOtherKeys();
        ClusterKeys.write(data, shared.keys());
        Map<Long, String> founders = new LinkedHashMap<>();
        named.forEach((name, where) -> founders.put(id(shared.cluster(), name), url(where)));
        return written(
                new ClusterFile(url(own), founders),
                new Member.Identity(shared.cluster(), id(shared.cluster(), options.name())));
    }

    private Part written(ClusterFile file, Member.Identity identity) throws IOException {
        Member.keep(kernel, store(), identity);
        file.write(data);
        return new Part(file, identity);
    }

    private long positive() {
        return kernel.secureRandom().nextLong() & Long.MAX_VALUE | 1L << 62;
    }

    /** Those who begin together know each other's identifiers without asking. */
    private static long id(long cluster, String name) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256")
                    .digest((HexFormat.of().toHexDigits(cluster) + "/" + name).getBytes(StandardCharsets.UTF_8));
            return java.nio.ByteBuffer.wrap(digest).getLong() & Long.MAX_VALUE | 1L << 62;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Nodes that share an etcd share keys, too: those of a file, in a directory that has none yet. */
    void shareKeys() throws IOException {
        Path keysFile = options.cluster().keysFile();
        if (keysFile != null && !ClusterKeys.present(data)) {
            ClusterKeys.write(data, ClusterKeys.load(keysFile).keys());
        }
    }

    private void refuseOtherKeys() throws IOException {
        if (ClusterKeys.present(data)) {
            throw new IOException("--data: " + data
                    + " has keys of its own already, which are not the cluster's: give a directory that is new");
        }
    }

    // ---- joining

    private Part join() throws IOException {
        String to = String.valueOf(options.cluster().join());
        boolean begun = Files.exists(joining());
        if (!begun && Member.identity(store()).isPresent()) {
            throw new IOException("--join: " + store()
                    + " holds a store already; a node joins with a new directory and copies what the others have: give"
                    + " another --data");
        }
        if (!begun) {
            refuseOtherKeys();
        }
        JoinToken token = JoinToken.parse(String.valueOf(options.cluster().joinToken()))
                .orElseThrow(() -> new IOException(
                        "--join-token: this is no join token: expected what `coppice cluster token` printed"));
        InetSocketAddress own = advertised();
        InetSocketAddress other =
                ClusterOptions.address(to).orElseThrow(() -> new IOException("--join: \"" + to + "\" is no address"));
        progress.accept("Joining the cluster of " + to);
        JoinResponse answer = ask(other, token, own);
        if (answer.hasFailure()) {
            throw new IOException(
                    "--join: " + to + " refuses: " + answer.getFailure().getText());
        }
        Map<String, byte[]> keys = new LinkedHashMap<>();
        answer.getFilesMap().forEach((name, bytes) -> keys.put(name, bytes.toByteArray()));
        StringBuilder peers = new StringBuilder();
        for (MemberRecord each : answer.getMembersList()) {
            if (each.getPeerUrlsCount() > 0) {
                peers.append(each.getRaft())
                        .append(' ')
                        .append(each.getPeerUrls(0))
                        .append('\n');
            }
        }
        Files.createDirectories(store());
        DurableFile.write(store().resolve(Member.PEERS), peers.toString());
        ClusterKeys.write(data, keys);
        Part part = written(
                new ClusterFile(url(own), Map.of()),
                new Member.Identity(
                        HexFormat.fromHexDigitsToLong(answer.getCluster()),
                        answer.getMember().getId()));
        Files.deleteIfExists(joining());
        return part;
    }

    /** There from the first question until it has joined. */
    private Path joining() {
        return data.resolve("joining");
    }

    private JoinResponse ask(InetSocketAddress to, JoinToken token, InetSocketAddress advertised) throws IOException {
        JoinRequest request = JoinRequest.newBuilder()
                .setTokenId(token.id())
                .setSecret(ByteString.copyFrom(token.secret()))
                .setMemberId(candidate())
                .setName(options.name())
                .addPeerUrls(url(advertised))
                .setLearner(options.cluster().learner())
                .build();
        TlsSource own = options.cluster().peers().certificates().orElse(null);
        try (GrpcConnection connection = own == null
                ? GrpcConnection.pinned(token.fingerprint(), to.getHostString(), to.getPort(), MAX_ANSWER_BYTES)
                : GrpcConnection.peer(own, to.getHostString(), to.getPort(), MAX_ANSWER_BYTES)) {
            JoinResponse response = JoinGrpc.newBlockingStub(connection.channel())
                    .withDeadlineAfter(JOIN_SECONDS, TimeUnit.SECONDS)
                    .join(request);
            if (!response.hasFailure()) {
                ClusterKeys.checkAuthority(response.getFilesMap(), token.fingerprint());
            }
            return response;
        } catch (StatusRuntimeException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IOException(
                    "--join: " + options.cluster().join() + " cannot be asked: "
                            + e.getStatus().getDescription() + " ("
                            + cause.getMessage()
                            + "): is it the peer port of a node that runs, and is the token from this cluster?",
                    e);
        }
    }

    /** Kept until it has joined: a token is good for one node, which may have to ask again. */
    private long candidate() throws IOException {
        Path file = joining();
        if (Files.exists(file)) {
            return HexFormat.fromHexDigitsToLong(Files.readString(file).strip());
        }
        long id = positive();
        DurableFile.write(file, HexFormat.of().toHexDigits(id) + "\n");
        return id;
    }

    private InetSocketAddress advertised() throws IOException {
        String given = options.cluster().advertise();
        if (given != null) {
            return ClusterOptions.address(given)
                    .orElseGet(() -> InetSocketAddress.createUnresolved(given, options.peerPort()));
        }
        if (address.isAnyLocalAddress()) {
            throw new IOException("--advertise: missing: with --listen " + options.listen()
                    + " others cannot know where to reach this node; give HOST or HOST:PORT");
        }
        return InetSocketAddress.createUnresolved(address.getHostAddress(), options.peerPort());
    }
}

package dev.coppice.store.raft;

import com.alipay.sofa.jraft.entity.PeerId;
import dev.coppice.kernel.DurableFile;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.StoreOptions;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.Machine;
import dev.coppice.store.engine.NativeLibrary;
import dev.coppice.store.engine.Space;
import dev.coppice.store.engine.StateFiles;
import dev.coppice.store.engine.StoreMetrics;
import dev.coppice.store.log.Command;
import dev.coppice.store.log.DefineKeyspace;
import java.io.IOException;
import java.io.StringWriter;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A running member: its state and its log. The directory holds {@code member} (who it is), {@code state} (the state machine) and
 * {@code raft} (log, votes, snapshots). A state that was lost is restored from the newest snapshot and the log.
 */
public final class Member implements AutoCloseable {

    /** Its name in the library's configuration, for members made before there were clusters. */
    private static final String FIRST_NAME = "127.0.0.1:1";

    private final Machine machine;
    private final RaftLog log;
    private final @Nullable ClusterMember cluster;

    private Member(Machine machine, RaftLog log, @Nullable ClusterMember cluster) {
        this.machine = machine;
        this.log = log;
        this.cluster = cluster;
    }

    /**
     * Who a member is, in a directory that has no member yet.
     *
     * @param cluster the same for all members
     */
    public record Identity(long cluster, long member) {}

    /**
     * Opens a member. The keyspaces that it does not have yet are defined; in a cluster that is done by the leader, later.
     *
     * @param threads for work that may have to wait
     */
    public static Member open(
            Kernel kernel, StoreOptions options, StoreMetrics metrics, Executor threads, Consumer<Throwable> onFailure)
            throws IOException, InterruptedException {
        Path directory = options.directory();
        Files.createDirectories(directory);
        NativeLibrary.load(directory.resolve("native"));
        Properties identity = identity(kernel, directory.resolve("member"), options.identity());
        Path state = directory.resolve("state");
        restoreLostState(state, directory.resolve("raft").resolve("snapshots"));
        long id = Long.parseUnsignedLong(identity.getProperty("member"), 16);
        Machine machine = Machine.open(state, kernel.clock(), metrics, id);
        try {
            return open(kernel, options, threads, onFailure, identity, machine);
        } catch (IOException | InterruptedException | RuntimeException e) {
            machine.close();
            throw e;
        }
    }

    private static Member open(
            Kernel kernel,
            StoreOptions options,
            Executor threads,
            Consumer<Throwable> onFailure,
            Properties identity,
            Machine machine)
            throws IOException, InterruptedException {
        String self = identity.getProperty("raft", FIRST_NAME);
        ClusterSettings settings = options.cluster();
        Duration patience =
                settings == null ? Duration.ofSeconds(2) : settings.election().multipliedBy(3);
        StateMachineAdapter states = new StateMachineAdapter(
                machine,
                self,
                new Leaders(kernel.clock(), patience),
                () -> machine.spaces().forEach(Space::leaseTimesAnew),
                onFailure);
        List<String> keyspaces = options.keyspaces().stream()
                .map(StoreOptions.KeyspaceOptions::name)
                .toList();
        Path raft = options.directory().resolve("raft");
        String group = "coppice-" + identity.getProperty("cluster");
        PeerId peer = Membership.peer(self);
        if (settings == null) {
            RaftLog log = RaftLog.open(kernel, raft, group, peer, List.of(peer), states, null, threads);
            Member member = new Member(machine, log, null);
            member.define(kernel, keyspaces);
            return member;
        }
        Map<String, String> hints = hints(options.directory().resolve(PEERS), settings, machine.memberId(), self);
        AtomicReference<@Nullable ClusterMember> made = new AtomicReference<>();
        Peers peers = new Peers(settings, machine.memberId(), name -> address(machine, hints, name), request -> {
            ClusterMember ready = made.get();
            if (ready == null) {
                throw Errors.noLeader();
            }
            return ready.answer(request);
        });
        List<PeerId> founders = settings.founders().keySet().stream()
                .map(id -> id == machine.memberId() ? peer : Membership.peer(Membership.raftName(id)))
                .toList();
        RaftLog log = RaftLog.open(kernel, raft, group, peer, founders, states, peers, threads);
        ClusterMember cluster = new ClusterMember(kernel, machine, log, settings, keyspaces);
        made.set(cluster);
        return new Member(machine, log, cluster);
    }

    /** Where members listen that the roster does not know yet: the founders, and those that the answer to joining named. */
    private static Map<String, String> hints(Path file, ClusterSettings settings, long self, String selfName)
            throws IOException {
        Map<String, String> hints = new HashMap<>();
        if (Files.exists(file)) {
            for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
                String[] parts = line.split(" ");
                if (parts.length == 2) {
                    hints.put(parts[0], parts[1]);
                }
            }
        }
        settings.founders().forEach((id, url) -> hints.put(id == self ? selfName : Membership.raftName(id), url));
        return Map.copyOf(hints);
    }

    private static @Nullable InetSocketAddress address(Machine machine, Map<String, String> hints, String name) {
        String url = machine.roster().peerUrl(name).orElse(hints.get(name));
        return url == null ? null : Membership.address(url);
    }

    /** What a node that joins was told about the others; read before it knows them by the roster. */
    public static final String PEERS = "peers";

    private static Properties identity(Kernel kernel, Path file, @Nullable Identity given) throws IOException {
        Properties identity = new Properties();
        if (Files.exists(file)) {
            try (var in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
                identity.load(in);
            }
            return identity;
        }
        HexFormat hex = HexFormat.of();
        long member = given == null ? positive(kernel) : given.member();
        identity.setProperty("cluster", hex.toHexDigits(given == null ? positive(kernel) : given.cluster()));
        identity.setProperty("member", hex.toHexDigits(member));
        identity.setProperty("raft", Membership.raftName(member));
        StringWriter text = new StringWriter();
        identity.store(text, "Who this member of the store is. Do not edit or copy.");
        DurableFile.write(file, text.toString());
        return identity;
    }

    /** Says who the member in a directory is to be, where nobody is it yet. */
    public static void keep(Kernel kernel, Path directory, Identity given) throws IOException {
        Files.createDirectories(directory);
        Properties unused = identity(kernel, directory.resolve("member"), given);
    }

    /** Who the member in a directory is; empty when there is none yet. */
    public static Optional<Identity> identity(Path directory) throws IOException {
        Path file = directory.resolve("member");
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        Properties identity = new Properties();
        try (var in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            identity.load(in);
        }
        return Optional.of(new Identity(
                Long.parseUnsignedLong(identity.getProperty("cluster"), 16),
                Long.parseUnsignedLong(identity.getProperty("member"), 16)));
    }

    private static long positive(Kernel kernel) {
        return kernel.secureRandom().nextLong() & Long.MAX_VALUE | 1L << 62;
    }

    private static void restoreLostState(Path state, Path snapshots) throws IOException {
        if (StateFiles.present(state) || !Files.isDirectory(snapshots)) {
            return;
        }
        Path newest;
        try (Stream<Path> found = Files.list(snapshots)) {
            newest = found.filter(each -> StateFiles.present(each.resolve("state")))
                    .max(Comparator.comparingLong(Member::index))
                    .orElse(null);
        }
        if (newest != null) {
            StateFiles.copy(newest.resolve("state"), state);
        }
    }

    /** The library names snapshots {@code snapshot_INDEX}; others are not whole. */
    private static long index(Path snapshot) {
        String name = String.valueOf(snapshot.getFileName());
        try {
            return Long.parseLong(name.substring(name.indexOf('_') + 1));
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    private void define(Kernel kernel, List<String> keyspaces) {
        for (String name : keyspaces) {
            if (machine.space(name).isEmpty()) {
                var unused = log.propose(Command.newBuilder()
                        .setDefineKeyspace(
                                DefineKeyspace.newBuilder().setName(name).setClusterId(positive(kernel)))
                        .build());
            }
        }
    }

    public Machine machine() {
        return machine;
    }

    public RaftLog log() {
        return log;
    }

    /** What it is in a cluster of several; empty for a member that is alone for good. */
    public Optional<ClusterMember> cluster() {
        return Optional.ofNullable(cluster);
    }

    @Override
    public void close() {
        machine.spaces().forEach(Space::endWatches);
        try {
            log.close();
        } finally {
            machine.close();
        }
    }
}

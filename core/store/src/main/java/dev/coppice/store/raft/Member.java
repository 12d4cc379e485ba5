package dev.coppice.store.raft;

import dev.coppice.kernel.Kernel;
import dev.coppice.store.engine.Machine;
import dev.coppice.store.engine.NativeLibrary;
import dev.coppice.store.engine.Space;
import dev.coppice.store.engine.StoreMetrics;
import dev.coppice.store.log.Command;
import dev.coppice.store.log.DefineKeyspace;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * A running member: its state and its log. The directory holds {@code member} (who it is), {@code state} (the state machine) and
 * {@code raft} (log, votes, snapshots). A state that was lost is restored from the newest snapshot and the log.
 */
public final class Member implements AutoCloseable {

    private final Machine machine;
    private final RaftLog log;

    private Member(Machine machine, RaftLog log) {
        this.machine = machine;
        this.log = log;
    }

    /** Opens a member and defines the keyspaces that it does not have yet. */
    public static Member open(
            Kernel kernel, Path directory, List<String> keyspaces, StoreMetrics metrics, Consumer<Throwable> onFailure)
            throws IOException, InterruptedException {
        Files.createDirectories(directory);
        NativeLibrary.load(directory.resolve("native"));
        Properties identity = identity(kernel, directory.resolve("member"));
        Path state = directory.resolve("state");
        restoreLostState(state, directory.resolve("raft").resolve("snapshots"));
        Machine machine = Machine.open(
                state, kernel.clock(), metrics, Long.parseUnsignedLong(identity.getProperty("member"), 16));
        try {
            StateMachineAdapter states =
                    new StateMachineAdapter(machine, () -> machine.spaces().forEach(Space::leaseTimesAnew), onFailure);
            RaftLog log = RaftLog.open(directory.resolve("raft"), "coppice-" + identity.getProperty("cluster"), states);
            Member member = new Member(machine, log);
            member.define(kernel, keyspaces);
            return member;
        } catch (IOException | InterruptedException | RuntimeException e) {
            machine.close();
            throw e;
        }
    }

    private static Properties identity(Kernel kernel, Path file) throws IOException {
        Properties identity = new Properties();
        if (Files.exists(file)) {
            try (var in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
                identity.load(in);
            }
            return identity;
        }
        HexFormat hex = HexFormat.of();
        identity.setProperty("cluster", hex.toHexDigits(positive(kernel)));
        identity.setProperty("member", hex.toHexDigits(positive(kernel)));
        Path fresh = file.resolveSibling("member.new");
        try (var out = Files.newBufferedWriter(fresh, StandardCharsets.UTF_8)) {
            identity.store(out, "Who this member of the store is. Do not edit or copy.");
        }
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        return identity;
    }

    private static long positive(Kernel kernel) {
        return kernel.secureRandom().nextLong() & Long.MAX_VALUE | 1L << 62;
    }

    private static void restoreLostState(Path state, Path snapshots) throws IOException {
        if (Files.exists(state.resolve("CURRENT")) || !Files.isDirectory(snapshots)) {
            return;
        }
        Path newest;
        try (Stream<Path> found = Files.list(snapshots)) {
            newest = found.map(each -> each.resolve("state"))
                    .filter(each -> Files.exists(each.resolve("CURRENT")))
                    .max((left, right) -> left.toString().compareTo(right.toString()))
                    .orElse(null);
        }
        if (newest == null) {
            return;
        }
        Files.createDirectories(state);
        try (Stream<Path> files = Files.list(newest)) {
            for (Path file : files.toList()) {
                Path target = state.resolve(file.getFileName());
                if (file.toString().endsWith(".sst")) {
                    Files.createLink(target, file);
                } else {
                    Files.copy(file, target, StandardCopyOption.REPLACE_EXISTING);
                }
            }
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

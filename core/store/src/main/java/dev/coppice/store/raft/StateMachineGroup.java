package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Node;
import com.alipay.sofa.jraft.NodeManager;
import com.alipay.sofa.jraft.RaftServiceFactory;
import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.closure.ReadIndexClosure;
import com.alipay.sofa.jraft.conf.Configuration;
import com.alipay.sofa.jraft.entity.PeerId;
import com.alipay.sofa.jraft.entity.Task;
import com.alipay.sofa.jraft.option.ApplyTaskMode;
import com.alipay.sofa.jraft.option.NodeOptions;
import com.alipay.sofa.jraft.option.RaftOptions;
import com.alipay.sofa.jraft.option.ReadOnlyOption;
import com.google.protobuf.ByteString;
import com.google.protobuf.BytesValue;
import dev.coppice.distribution.codec.ByteReader;
import dev.coppice.distribution.codec.ByteWriter;
import dev.coppice.distribution.codec.MessageCodec;
import dev.coppice.distribution.consensus.CommandException;
import dev.coppice.distribution.consensus.ConsensusException;
import dev.coppice.distribution.consensus.ConsensusGroup;
import dev.coppice.distribution.consensus.StateMachine;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.raft.Leaders.Leader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A user's state machine in a Raft group of its own. A command goes to the leader, again while leaders change; the state
 * remembers what it has answered, so that it is applied once. Safe for use by many threads.
 */
final class StateMachineGroup<C, Q, A> implements ConsensusGroup<C, Q, A>, AutoCloseable {
    private static final System.Logger LOG = System.getLogger(StateMachineGroup.class.getName());
    private static final int MAX_WAITING = 1_000;
    private static final long SNAPSHOT_AFTER_ENTRIES = 10_000;
    private static final Duration PAUSE = Duration.ofMillis(20);
    private static final Duration ATTEMPT = Duration.ofSeconds(2);

    /** What becomes of a command that another node sent. */
    private static final int APPLIED = 0;

    private static final int AGAIN = 1;

    /** What a group is opened with. */
    record Opening(
            Kernel kernel,
            Path directory,
            String group,
            PeerId self,
            List<PeerId> founders,
            Duration election,
            @Nullable PeerTransport transport) {}

    private final Kernel kernel;
    private final String name;
    private final Opening opening;
    private final MessageCodec codec;
    private final Leaders leaders;
    private final GroupStates<C, Q, A> states;
    private final Node node;
    private final RaftRequests handler;
    private final long sender;
    private final AtomicLong numbers = new AtomicLong();
    private final ConcurrentSkipListSet<Long> open = new ConcurrentSkipListSet<>();
    private final Semaphore waiting = new Semaphore(MAX_WAITING);
    private final AtomicBoolean snapshotting = new AtomicBoolean();
    private volatile boolean closed;

    StateMachineGroup(
            String name, Opening opening, MessageCodec codec, Supplier<? extends StateMachine<C, Q, A>> factory)
            throws IOException {
        this.kernel = opening.kernel;
        this.name = name;
        this.opening = opening;
        this.codec = codec;
        this.sender = kernel.secureRandom().nextLong();
        this.leaders = new Leaders(kernel.clock(), opening.election.multipliedBy(4));
        this.states = new GroupStates<>(
                name,
                opening.self.toString(),
                factory,
                codec,
                leaders,
                error -> LOG.log(System.Logger.Level.ERROR, "the group " + name + " does not go on", error));
        LibrarySettings.apply();
        Files.createDirectories(opening.directory);
        NodeManager.getInstance().addAddress(opening.self.getEndpoint());
        ElectionTimers.LeaderContact contact = ElectionTimers.contact(opening.group, opening.self, kernel.clock());
        this.node = RaftServiceFactory.createAndInitRaftNode(opening.group, opening.self, options());
        this.handler = new RaftRequests(
                opening.group,
                opening.self.toString(),
                node,
                contact,
                states::leading,
                (_, answer) -> answer.accept(dev.coppice.store.wire.ProposeResponse.getDefaultInstance()),
                _ -> dev.coppice.store.wire.AskResponse.getDefaultInstance());
    }

    private NodeOptions options() {
        RaftOptions raft = new RaftOptions();
        raft.setSync(true);
        raft.setSyncMeta(true);
        raft.setOpenStatistics(false);
        raft.setDisruptorBufferSize(1024);
        raft.setApplyBatch(64);
        raft.setMaxReplicatorInflightMsgs(32);
        raft.setMaxLogsInMemoryBytes(4L << 20);
        raft.setReadOnlyOptions(ReadOnlyOption.ReadOnlySafe);
        int millis = Math.toIntExact(opening.election.toMillis());
        raft.setMaxElectionDelayMs(Math.max(millis / 2, 1));
        NodeOptions options = new ClusterNodeOptions(opening.transport, new Progress(kernel.clock()));
        options.setRaftOptions(raft);
        options.setServiceFactory(new WalStorageFactory(append -> append.getAsInt()));
        options.setFsm(states);
        options.setLogUri(opening.directory.resolve("log").toString());
        options.setRaftMetaUri(opening.directory.resolve("votes").toString());
        options.setSnapshotUri(opening.directory.resolve("snapshots").toString());
        options.setSnapshotIntervalSecs(0);
        options.setElectionTimeoutMs(millis);
        options.setApplyTaskMode(ApplyTaskMode.NonBlocking);
        options.setDisableCli(true);
        options.setEnableMetrics(false);
        options.setSharedTimerPool(true);
        options.setTimerPoolSize(1);
        options.setCliRpcThreadPoolSize(1);
        options.setRaftRpcThreadPoolSize(1);
        options.setRpcProcessorThreadPoolSize(2);
        options.setRpcConnectTimeoutMs(200);
        options.setRpcDefaultTimeout(3000);
        options.setInitialConf(new Configuration(opening.founders));
        return options;
    }

    RaftRequests handler() {
        return handler;
    }

    String group() {
        return opening.group;
    }

    // ---- for users

    @Override
    public String name() {
        return name;
    }

    @Override
    public boolean leading() {
        return states.leading() && !closed;
    }

    @Override
    public @Nullable String leader() {
        Leader known = leaders.current();
        return known == null ? null : known.raft();
    }

    @Override
    public A queryStale(Q question) {
        return states.query(question);
    }

    @Override
    public A apply(C command, Duration timeout) {
        byte[] bytes = codec.encode(command, GroupCommand.MAX_BYTES);
        long end = kernel.clock().nanoTime() + timeout.toNanos();
        if (!waiting.tryAcquire()) {
            throw new ConsensusException("group " + name + ": " + MAX_WAITING + " commands wait on this node already");
        }
        long number;
        synchronized (open) {
            // In one step: nobody may tell a higher lowest number before this one is among them.
            number = numbers.incrementAndGet();
            open.add(number);
        }
        try {
            return answer(send(bytes, number, end, timeout));
        } finally {
            open.remove(number);
            waiting.release();
        }
    }

    private byte[] send(byte[] bytes, long number, long end, Duration timeout) {
        String why = "nobody leads it";
        while (true) {
            long left = end - kernel.clock().nanoTime();
            if (left <= 0 || closed) {
                throw new ConsensusException("group " + name + ": no answer within " + timeout + ": "
                        + (closed ? "this node stops" : why) + "; the command may be applied or not");
            }
            Leader leader = leaders.current();
            if (leader != null) {
                byte[] command = new GroupCommand(sender, number, open.first(), bytes).toBytes();
                byte[] answer = attempt(leader, command, Math.min(left, ATTEMPT.toNanos()));
                if (answer != null) {
                    return answer;
                }
                why = "the leader " + leader.raft() + " does not take it or does not answer";
            }
            pause();
        }
    }

    /** Once; null when it is to be sent again. */
    private byte @Nullable [] attempt(Leader leader, byte[] command, long nanos) {
        CompletableFuture<byte[]> done = new CompletableFuture<>();
        if (leader.self()) {
            take(command, leader.term(), done);
        } else {
            submit(leader.raft(), command, nanos, done);
        }
        try {
            byte[] answer = done.get(nanos, TimeUnit.NANOSECONDS);
            return answer.length == 0 ? null : answer;
        } catch (ExecutionException | TimeoutException e) {
            return null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConsensusException("group " + name + ": interrupted; the command may be applied or not");
        }
    }

    private void submit(String to, byte[] command, long nanos, CompletableFuture<byte[]> done) {
        PeerTransport way = opening.transport;
        if (way == null) {
            done.complete(new byte[0]);
            return;
        }
        BytesValue request = BytesValue.of(ByteString.copyFrom(new ByteWriter(GroupCommand.MAX_BYTES + 1_024)
                .text(opening.group)
                .bytes(command)
                .toBytes()));
        way.call(to, PeerMethods.SUBMIT, request, TimeUnit.NANOSECONDS.toMillis(nanos), new PeerTransport.Answer<>() {
            @Override
            public void answered(BytesValue response) {
                ByteReader in = new ByteReader(response.getValue().toByteArray());
                done.complete(in.octet() == APPLIED ? in.bytes() : new byte[0]);
            }

            @Override
            public void failed(Throwable error) {
                done.complete(new byte[0]);
            }
        });
    }

    /** Puts a command into the log, when this node leads in that term, or in any when it is 0. */
    private void take(byte[] command, long term, CompletableFuture<byte[]> done) {
        GroupStates.Pending pending = new GroupStates.Pending() {
            @Override
            public void applied(byte[] answer) {
                done.complete(answer);
            }

            @Override
            public void run(Status status) {
                if (!status.isOk()) {
                    done.complete(new byte[0]);
                }
            }
        };
        try {
            Task task = new Task(ByteBuffer.wrap(command), pending);
            if (term > 0) {
                task.setExpectedTerm(term);
            }
            node.apply(task);
        } catch (IllegalStateException e) {
            done.complete(new byte[0]);
        }
    }

    /** A command that another node sent here, as this one leads. */
    BytesValue submitted(byte[] command) {
        CompletableFuture<byte[]> done = new CompletableFuture<>();
        if (leading()) {
            take(command, 0, done);
        } else {
            done.complete(new byte[0]);
        }
        byte[] answer;
        try {
            answer = done.get(ATTEMPT.toNanos(), TimeUnit.NANOSECONDS);
        } catch (ExecutionException | TimeoutException e) {
            answer = new byte[0];
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            answer = new byte[0];
        }
        ByteWriter out = new ByteWriter(GroupCommand.MAX_BYTES + 1_024);
        if (answer.length == 0) {
            out.octet(AGAIN);
        } else {
            out.octet(APPLIED).bytes(answer);
        }
        return BytesValue.of(ByteString.copyFrom(out.toBytes()));
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // a state machine may answer null
    private A answer(byte[] bytes) {
        ByteReader in = new ByteReader(bytes);
        if (in.octet() == GroupStates.REFUSAL) {
            throw new CommandException(in.text());
        }
        return (A) codec.read(in);
    }

    private void pause() {
        try {
            kernel.timers().sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConsensusException("group " + name + ": interrupted");
        }
    }

    @Override
    public A query(Q question, Duration timeout) {
        long end = kernel.clock().nanoTime() + timeout.toNanos();
        while (!closed) {
            long left = end - kernel.clock().nanoTime();
            if (left <= 0) {
                break;
            }
            if (leaders.current() != null && confirmed(Math.min(left, ATTEMPT.toNanos()))) {
                return states.query(question);
            }
            pause();
        }
        throw new ConsensusException("group " + name + ": a majority could not be reached within " + timeout);
    }

    /** Whether everything that was acknowledged before is applied here. */
    private boolean confirmed(long nanos) {
        CompletableFuture<Boolean> done = new CompletableFuture<>();
        try {
            node.readIndex(new byte[0], new ReadIndexClosure() {
                @Override
                public void run(Status status, long index, byte[] context) {
                    done.complete(status.isOk());
                }
            });
            return done.get(nanos, TimeUnit.NANOSECONDS);
        } catch (ExecutionException | TimeoutException | IllegalStateException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConsensusException("group " + name + ": interrupted");
        }
    }

    // ---- upkeep

    /** Makes a snapshot when there is much since the last one; the leader lets its members follow those of the store. */
    void tend(Set<PeerId> voters) {
        if (states.sinceSnapshot() >= SNAPSHOT_AFTER_ENTRIES && snapshotting.compareAndSet(false, true)) {
            node.snapshot(status -> snapshotting.set(false));
        }
        if (!leading() || voters.isEmpty()) {
            return;
        }
        try {
            Set<PeerId> present = new HashSet<>(node.listPeers());
            if (!present.equals(voters)) {
                node.changePeers(
                        new Configuration(voters),
                        status -> LOG.log(
                                status.isOk() ? System.Logger.Level.INFO : System.Logger.Level.DEBUG,
                                "members of the group {0}: {1}: {2}",
                                name,
                                voters,
                                status));
            }
        } catch (IllegalStateException e) {
            LOG.log(System.Logger.Level.DEBUG, "the members of the group are looked at again later", e);
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (states.leading() && node.listPeers().size() > 1) {
            var unused = node.transferLeadershipTo(PeerId.ANY_PEER);
        }
        node.shutdown();
        try {
            node.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

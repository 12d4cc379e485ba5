package dev.coppice.distribution;

import dev.coppice.distribution.codec.ByteReader;
import dev.coppice.distribution.codec.ByteWriter;
import dev.coppice.distribution.codec.MessageCodec;
import dev.coppice.distribution.codec.MessageException;
import dev.coppice.distribution.codec.MessageTypes;
import dev.coppice.distribution.codec.References;
import dev.coppice.kernel.CallException;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.ForeignRef;
import dev.coppice.kernel.Monitor;
import dev.coppice.kernel.ProcessRef;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Mail to and from processes of other nodes. Messages from one process to another arrive in the order in which they were
 * sent, at most once, as long as their nodes stay connected; what was on its way when they are disconnected may be lost. Safe
 * for use by many threads.
 */
final class RemoteProcesses {
    private static final System.Logger LOG = System.getLogger(RemoteProcesses.class.getName());
    private static final int MAX_EXPORTS = 1_000_000;
    private static final int MAX_ANSWERS = 1_000_000;
    private static final int MAX_NAME = 500;
    private static final long GIVEN_AWAY_NANOS = Duration.ofMinutes(5).toNanos();

    private final NodeId self;
    private final Clock clock;
    private final DistributionOptions options;
    private final DistributionMetrics metrics;
    private final LocalProcesses locals;
    private final MessageCodec codec;
    private final Exports exports = new Exports(MAX_EXPORTS);
    private final Answers answers = new Answers(MAX_ANSWERS);
    private final RemoteMonitors monitors;
    private final RemoteLinks links;
    private final Set<Long> slow = ConcurrentHashMap.newKeySet();
    private final Map<String, Long> warned = new ConcurrentHashMap<>();
    private @Nullable Mesh mesh;

    RemoteProcesses(
            NodeId self,
            Clock clock,
            DistributionOptions options,
            DistributionMetrics metrics,
            LocalProcesses locals,
            MessageTypes types) {
        this.self = self;
        this.clock = clock;
        this.options = options;
        this.metrics = metrics;
        this.locals = locals;
        this.codec = new MessageCodec(types, new Addresses());
        this.monitors = new RemoteMonitors(this);
        this.links = new RemoteLinks(this, locals);
    }

    void use(Mesh made) {
        mesh = made;
    }

    Mesh mesh() {
        Mesh known = mesh;
        if (known == null) {
            throw new IllegalStateException("the distribution is not started");
        }
        return known;
    }

    RemoteLinks links() {
        return links;
    }

    MessageCodec codec() {
        return codec;
    }

    /** One that writes addresses in the same way, for other types. */
    MessageCodec codec(MessageTypes types) {
        return new MessageCodec(types, new Addresses());
    }

    Answers answers() {
        return answers;
    }

    NodeId self() {
        return self;
    }

    int exported() {
        return exports.size();
    }

    int awaited() {
        return answers.size();
    }

    boolean connected(NodeId node) {
        return mesh().peer(node).isPresent();
    }

    private boolean mail(NodeId node, byte[] frame) {
        Peer peer = peer(node);
        return peer != null && peer.mail(frame);
    }

    private @Nullable Peer peer(NodeId node) {
        Peer peer = mesh().peer(node).orElse(null);
        if (peer == null) {
            metrics.dropped("disconnected");
        }
        return peer;
    }

    boolean urgent(NodeId node, byte[] frame) {
        Peer peer = mesh().peer(node).orElse(null);
        return peer != null && peer.urgent(frame);
    }

    // ---- addresses

    /** The node of a process, this one for those that live here. */
    NodeId home(ProcessRef<?> process) {
        return process instanceof RemoteRef<?> remote ? remote.node() : self;
    }

    long number(ProcessRef<?> local) {
        return exports.number(local);
    }

    ProcessRef<?> address(NodeId node, long number, String name) {
        if (!node.equals(self)) {
            return new RemoteRef<>(this, node, number, name);
        }
        ProcessRef<?> local = exports.find(number);
        return local == null ? new RemoteRef<>(this, node, number, name) : local;
    }

    private final class Addresses implements References {
        @Override
        public void write(ByteWriter out, ProcessRef<?> process) {
            ProcessRef<?> behind = process instanceof ForeignRef<?> foreign ? foreign.resolve() : process;
            NodeId node = home(behind);
            Frames.write(out, node);
            out.unsigned(behind instanceof RemoteRef<?> remote ? remote.number() : exports.number(behind));
            String name = behind instanceof RemoteRef<?> remote ? remote.path() : behind.name();
            out.text(name.length() > MAX_NAME ? name.substring(0, MAX_NAME) : name);
        }

        @Override
        public ProcessRef<?> readProcess(ByteReader in) {
            return address(Frames.node(in), in.unsigned(), in.text());
        }

        @Override
        @SuppressWarnings("unchecked")
        public void write(ByteWriter out, Consumer<?> answer) {
            switch (answer) {
                case Answers.Waiting waiting -> {
                    Frames.write(out, self);
                    out.unsigned(waiting.number);
                }
                case RemoteAnswer remote -> {
                    Frames.write(out, remote.node);
                    out.unsigned(remote.number);
                }
                default -> {
                    Frames.write(out, self);
                    out.unsigned(answers.give((Consumer<Object>) answer, clock.nanoTime()).number);
                }
            }
        }

        @Override
        public Consumer<?> readAnswer(ByteReader in) {
            NodeId node = Frames.node(in);
            long number = in.unsigned();
            if (node.equals(self)) {
                Answers.Waiting waiting = answers.find(number);
                return waiting == null ? _ -> {} : waiting;
            }
            return new RemoteAnswer(node, number);
        }
    }

    /** Answers a call of another node, once. */
    private final class RemoteAnswer implements Consumer<Object> {
        private final NodeId node;
        private final long number;
        private final AtomicBoolean told = new AtomicBoolean();

        RemoteAnswer(NodeId node, long number) {
            this.node = node;
            this.number = number;
        }

        @Override
        public void accept(@Nullable Object answer) {
            if (!told.compareAndSet(false, true)) {
                return;
            }
            monitors.answered(node, number);
            byte[] frame;
            try {
                ByteWriter out = Frames.frame(Frames.ANSWER).unsigned(number);
                codec.write(out, answer);
                frame = out.toBytes();
            } catch (MessageException e) {
                LOG.log(System.Logger.Level.WARNING, "an answer to node {0} was not sent: {1}", node, e.getMessage());
                frame = failure(number, "the answer cannot be sent: " + e.getMessage());
            }
            urgent(node, frame);
        }
    }

    static byte[] failure(long number, String why) {
        return Frames.frame(Frames.FAILURE)
                .unsigned(number)
                .text(Reasons.cut(why))
                .toBytes();
    }

    // ---- sending

    private byte[] message(ByteWriter out, Object message) {
        codec.write(out, message);
        byte[] frame = out.toBytes();
        if (frame.length > options.maxMessageBytes() + 64) {
            throw new MessageException("the message has " + frame.length + " bytes: expected at most "
                    + options.maxMessageBytes() + "; send less at once, or a reference");
        }
        return frame;
    }

    void cast(RemoteRef<?> to, Object message) {
        mail(to.node(), message(Frames.frame(Frames.CAST).unsigned(to.number()), message));
    }

    /** Casts to a process of this or another node without waiting. */
    @SuppressWarnings("unchecked")
    boolean offer(ProcessRef<?> to, Object message) {
        if (to instanceof RemoteRef<?> remote) {
            Peer peer = peer(remote.node());
            return peer != null && peer.offer(message(Frames.frame(Frames.CAST).unsigned(remote.number()), message));
        }
        return locals.offer((ProcessRef<Object>) to, message);
    }

    @SuppressWarnings({"unchecked", "NullAway"}) // an answer may be null, as in a local call
    <M, R> R call(RemoteRef<M> to, Function<Consumer<R>, M> message, Duration timeout) {
        if (!connected(to.node())) {
            throw new CallException(
                    "process " + to.name() + " cannot be called: node " + to.node() + " is not connected", null);
        }
        Answers.Waiting call;
        try {
            call = answers.call(to.node(), clock.nanoTime());
        } catch (MessageException e) {
            throw new CallException("process " + to.name() + " cannot be called: " + e.getMessage(), e);
        }
        try {
            M request = message.apply((Consumer<R>) (Consumer<?>) call);
            ByteWriter out = Frames.frame(Frames.CALL).unsigned(to.number()).unsigned(call.number);
            if (!mail(to.node(), message(out, request))) {
                throw new CallException(
                        "process " + to.name() + " cannot be called: node " + to.node()
                                + " is not connected, or too much waits for it",
                        null);
            }
            return (R) call.future.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new CallException("process " + to.name() + " did not answer within " + timeout, null);
        } catch (ExecutionException e) {
            throw new CallException("process " + to.name() + ": " + e.getCause().getMessage(), null);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CallException("interrupted while waiting for process " + to.name(), e);
        } finally {
            call.forget();
        }
    }

    Monitor monitor(RemoteRef<?> to, Consumer<dev.coppice.kernel.Down> action) {
        return monitors.monitor(to, action);
    }

    void exit(RemoteRef<?> to, ExitReason reason) {
        ByteWriter out = Frames.frame(Frames.EXIT).unsigned(to.number());
        Reasons.write(out, reason);
        mail(to.node(), out.toBytes());
    }

    void signal(RemoteRef<?> to, int sort) {
        mail(to.node(), Frames.frame(sort).unsigned(to.number()).toBytes());
    }

    // ---- what comes in

    void received(Peer peer, int sort, ByteReader in) {
        switch (sort) {
            case Frames.CAST -> castIn(peer, in);
            case Frames.CALL -> callIn(peer, in);
            case Frames.ANSWER -> answerIn(in);
            case Frames.FAILURE -> failureIn(in);
            case Frames.MONITOR -> monitors.monitorIn(peer, in.unsigned(), exports.find(in.unsigned()));
            case Frames.DEMONITOR -> monitors.demonitorIn(peer, in.unsigned());
            case Frames.DOWN -> monitors.downIn(in.unsigned(), Reasons.read(in));
            case Frames.EXIT -> {
                ProcessRef<?> target = exports.find(in.unsigned());
                ExitReason reason = Reasons.read(in);
                if (target != null) {
                    target.exit(reason);
                }
            }
            case Frames.LINK, Frames.UNLINK, Frames.EXIT_OF_LINK -> linkIn(peer, sort, in);
            case Frames.SUSPEND -> signalled(in, ProcessRef::suspend);
            case Frames.RESUME -> signalled(in, ProcessRef::resume);
            default -> throw new MessageException("a frame of the unknown sort " + sort);
        }
    }

    private void signalled(ByteReader in, Consumer<ProcessRef<?>> what) {
        ProcessRef<?> target = exports.find(in.unsigned());
        if (target != null) {
            what.accept(target);
        }
    }

    private void linkIn(Peer peer, int sort, ByteReader in) {
        long number = in.unsigned();
        RemoteRef<?> from = new RemoteRef<>(this, peer.node(), in.unsigned(), in.text());
        ProcessRef<?> local = exports.find(number);
        switch (sort) {
            case Frames.LINK -> links.linkIn(number, local, from);
            case Frames.UNLINK -> links.unlinkIn(local, from);
            default -> links.exitIn(local, from, Reasons.read(in));
        }
    }

    private @Nullable Object read(Peer peer, ByteReader in) {
        try {
            return codec.read(in);
        } catch (MessageException e) {
            metrics.dropped("unreadable");
            // Once for each sort: a peer of another version may send many.
            if (warned.size() < 1_000 && warned.putIfAbsent(String.valueOf(e.getMessage()), clock.nanoTime()) == null) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "mail from node {0} was dropped: {1}",
                        peer.node(),
                        e.getMessage());
            }
            throw e;
        }
    }

    private void castIn(Peer peer, ByteReader in) {
        long number = in.unsigned();
        Object message;
        try {
            message = read(peer, in);
        } catch (MessageException e) {
            return;
        }
        ProcessRef<?> target = exports.find(number);
        if (target == null || message == null) {
            metrics.dropped("dead");
            return;
        }
        deliver(number, target, message);
    }

    /**
     * Gives a process its mail. While its mailbox is full the connection waits, for a short time only: answers for it may be
     * behind. Then mail for it is dropped until it has room again.
     */
    @SuppressWarnings("unchecked")
    boolean deliver(long number, ProcessRef<?> target, Object message) {
        ProcessRef<Object> to = (ProcessRef<Object>) target;
        if (locals.offer(to, message)) {
            if (!slow.isEmpty()) {
                slow.remove(number);
            }
            return true;
        }
        if (!slow.contains(number)) {
            long end = clock.nanoTime() + options.patience().toNanos();
            try {
                while (clock.nanoTime() - end < 0) {
                    locals.pause();
                    if (locals.offer(to, message)) {
                        return true;
                    }
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            slow.add(number);
        }
        metrics.dropped("mailbox");
        return false;
    }

    private void callIn(Peer peer, ByteReader in) {
        long number = in.unsigned();
        long call = in.unsigned();
        Object message;
        try {
            message = read(peer, in);
        } catch (MessageException e) {
            peer.urgent(failure(call, "node " + self + " cannot read the message: " + e.getMessage()));
            return;
        }
        ProcessRef<?> target = exports.find(number);
        if (target == null || message == null || !target.alive()) {
            peer.urgent(failure(call, Reasons.words(new ExitReason.NoProcess())));
            return;
        }
        monitors.guard(peer, call, target);
        if (!deliver(number, target, message)) {
            monitors.answered(peer.node(), call);
            peer.urgent(failure(call, "its mailbox is full"));
        }
    }

    private void answerIn(ByteReader in) {
        Answers.Waiting waiting = answers.find(in.unsigned());
        if (waiting == null) {
            return;
        }
        try {
            waiting.accept(codec.read(in));
        } catch (MessageException e) {
            metrics.dropped("unreadable");
            waiting.fail("the answer cannot be read: " + e.getMessage());
        }
    }

    private void failureIn(ByteReader in) {
        Answers.Waiting waiting = answers.find(in.unsigned());
        if (waiting != null) {
            waiting.fail(in.text());
        }
    }

    void lost(Peer peer) {
        answers.lost(peer.node());
        monitors.lost(peer);
        links.lost(peer.node());
    }

    void tick() {
        answers.sweep(clock.nanoTime(), GIVEN_AWAY_NANOS);
    }
}

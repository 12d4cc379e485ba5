package dev.coppice.distribution;

import dev.coppice.distribution.ShardMessage.State;
import dev.coppice.distribution.codec.MessageCodec;
import dev.coppice.kernel.CallException;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.ProcessOptions;
import dev.coppice.kernel.ProcessRef;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The processes of a sharded type on this node, below a supervisor. */
final class NodeEntities<M> implements EntityHost {
    private static final System.Logger LOG = System.getLogger(NodeEntities.class.getName());
    private static final Duration HAND_OVER = Duration.ofSeconds(10);
    private static final int AT_A_TIME = 64;

    private final Kernel kernel;
    private final Supervisor supervisor;
    private final Entity.Factory<M> factory;
    private final MessageCodec codec;
    private final int maxBytes;
    private final ChildSpec kind;
    private final AtomicLong releases = new AtomicLong();

    NodeEntities(
            Kernel kernel,
            Supervisor supervisor,
            String type,
            Entity.Factory<M> factory,
            MessageCodec codec,
            int maxBytes) {
        this.kernel = kernel;
        this.supervisor = supervisor;
        this.factory = factory;
        this.codec = codec;
        this.maxBytes = maxBytes;
        this.kind = ChildSpec.process(
                        type, () -> new EntityProcess<>("", factory, codec, maxBytes, null), ProcessOptions.DEFAULT)
                .withRestart(ChildSpec.Restart.TEMPORARY);
    }

    @Override
    public @Nullable ProcessRef<Object> start(String id, byte @Nullable [] state, Consumer<ProcessRef<Object>> ended) {
        try {
            ProcessRef<Object> process =
                    supervisor.spawn(kind, () -> new EntityProcess<>(id, factory, codec, maxBytes, state));
            var unused = process.monitor(_ -> ended.accept(process));
            return process;
        } catch (StartException e) {
            LOG.log(System.Logger.Level.WARNING, "{0} {1} was not started: {2}", kind.name(), id, e.getMessage());
            return null;
        }
    }

    @Override
    public boolean offer(ProcessRef<Object> process, Object message) {
        return kernel.offer(process, message);
    }

    @Override
    public void release(Map<String, ProcessRef<Object>> processes, Consumer<List<State>> done) {
        try {
            var unused = supervisor.start(
                    ChildSpec.task("hand-over-" + releases.incrementAndGet(), () -> done.accept(handOver(processes)))
                            // Again when it is killed: the slot waits for its end.
                            .withRestart(ChildSpec.Restart.TRANSIENT));
        } catch (StartException e) {
            LOG.log(System.Logger.Level.WARNING, "processes of {0} cannot hand over: {1}", kind.name(), e.getMessage());
            kernel.timers().schedule(Duration.ZERO, () -> done.accept(List.of()));
        }
    }

    private List<State> handOver(Map<String, ProcessRef<Object>> processes) {
        List<State> states = new ArrayList<>();
        try {
            List<Optional<State>> left = kernel.tasks(AT_A_TIME)
                    .map(List.copyOf(processes.entrySet()), each -> handOver(each.getKey(), each.getValue()));
            left.forEach(each -> each.ifPresent(states::add));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
            throw new IllegalStateException(e);
        }
        return states;
    }

    private Optional<State> handOver(String id, ProcessRef<Object> process) {
        try {
            Optional<byte[]> state = process.call(EntityProcess.Release::new, HAND_OVER);
            return state.map(bytes -> new State(id, bytes));
        } catch (CallException e) {
            LOG.log(System.Logger.Level.WARNING, "{0} {1} does not hand over: {2}", kind.name(), id, e.getMessage());
            process.exit(new dev.coppice.kernel.ExitReason.Killed());
            return Optional.empty();
        }
    }
}

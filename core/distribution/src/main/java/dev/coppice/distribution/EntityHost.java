package dev.coppice.distribution;

import dev.coppice.kernel.ProcessRef;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Starts, feeds and stops the processes of a sharded type on this node. An I/O seam for tests. */
interface EntityHost {

    /**
     * Starts one.
     *
     * @param ended told when it ended by itself
     * @return null when there are too many, or the node stops
     */
    @Nullable
    ProcessRef<Object> start(String id, byte @Nullable [] state, Consumer<ProcessRef<Object>> ended);

    /** Casts without waiting; false when there is no room. */
    boolean offer(ProcessRef<Object> process, Object message);

    /** Lets processes hand over and end, beside everything else; tells what those left that had something to leave. */
    void release(Map<String, ProcessRef<Object>> processes, Consumer<List<ShardMessage.State>> done);
}

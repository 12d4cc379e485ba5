package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Closure;
import dev.coppice.store.engine.Machine;
import dev.coppice.store.log.Command;

/** An entry that was proposed here and that somebody waits for. */
interface PendingEntry extends Closure, Machine.Outcome {

    /** What was proposed, so that this member does not read it back from the log. */
    Command command();

    /** Where it is in the log; told before it is answered. */
    default void at(long index) {}
}

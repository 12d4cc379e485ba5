package dev.coppice.kernel;

/**
 * An address of a process that is not in this kernel, such as on another node. Whoever makes it keeps its ties: processes that
 * monitor it or link with it do so by its own methods. Safe for use by many threads.
 *
 * @param <M> the messages it takes
 */
public interface ForeignRef<M> extends ProcessRef<M> {

    /** What stands behind it now: itself, or, for a name, whoever has it, also a process of this kernel. */
    default ProcessRef<?> resolve() {
        return this;
    }

    /** Links it with a process of this kernel; when there is no such process, that one gets an exit signal. */
    void link(ProcessRef<?> local);

    void unlink(ProcessRef<?> local);
}

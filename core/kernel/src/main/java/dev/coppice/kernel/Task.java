package dev.coppice.kernel;

/** A blocking body of work. Interrupted when it has to stop; an exception makes its supervisor act. */
@FunctionalInterface
public interface Task {
    /** Does the work; returns when there is no more of it. */
    void run() throws Exception;
}

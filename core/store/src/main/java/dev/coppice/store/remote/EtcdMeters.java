package dev.coppice.store.remote;

import dev.coppice.kernel.Kernel;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.prometheus.metrics.core.metrics.Counter;

/** What is counted of the traffic with an etcd. Safe for use by many threads. */
final class EtcdMeters {
    private final Counter calls;
    private final Counter failures;
    private final Counter connections;
    private final Counter moves;
    private final Counter resumes;
    private final Counter marks;

    EtcdMeters(Kernel kernel) {
        calls = counter(kernel, "calls", "Requests sent to etcd.");
        failures = counter(kernel, "failures", "Requests to etcd that it refused or did not answer.");
        connections = counter(kernel, "connections", "Connections made to members of etcd.");
        moves = counter(kernel, "moves", "How often another member of etcd was taken.");
        resumes = counter(kernel, "watch_resumes", "How often a watch went on after its stream broke.");
        marks = counter(kernel, "marks", "Writes that only show a watch how far it is.");
    }

    private static Counter counter(Kernel kernel, String name, String help) {
        return Counter.builder().name("coppice_store_etcd_" + name).help(help).register(kernel.metrics());
    }

    interface Body<A> {
        A run() throws StatusException, InterruptedException;
    }

    <A> A counted(Body<A> body) throws StatusException, InterruptedException {
        calls.inc();
        try {
            return body.run();
        } catch (StatusException | StatusRuntimeException e) {
            failures.inc();
            throw e;
        }
    }

    void connected() {
        connections.inc();
    }

    void moved() {
        moves.inc();
    }

    void resumed() {
        resumes.inc();
    }

    void marked() {
        marks.inc();
    }
}

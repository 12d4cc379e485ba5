package dev.coppice.store.raft;

import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import java.util.function.Consumer;

/**
 * How a member reaches the others, by their names in the Raft library. An I/O seam: by gRPC, or with faults in tests. Safe
 * for use by many threads; nothing blocks.
 */
public interface PeerTransport extends AutoCloseable {

    /** Takes what becomes of a request; one of its methods is called once, on a thread that must not be blocked. */
    interface Answer<A> {
        void answered(A answer);

        void failed(Throwable error);
    }

    <Q extends Message, A extends Message> void call(
            String peer, MethodDescriptor<Q, A> method, Q request, long timeoutMillis, Answer<A> answer);

    /** The same on a stream of many: requests of one method to one peer arrive in the order of these calls, or not at all. */
    <Q extends Message, A extends Message> void call(
            String peer, StreamedMethod<Q, A> method, Q request, long timeoutMillis, Answer<A> answer);

    /** Whether there is a connection, or it is not known yet that there can be none; tries again to make one. */
    boolean reachable(String peer);

    /** Ends the connection; the next request makes a new one. */
    void disconnect(String peer);

    /** Tells whenever a connection was made. */
    void onConnected(Consumer<String> listener);

    /** Tells whenever no connection could be made, such as when the other process has ended. */
    void onRefused(Consumer<String> listener);

    @Override
    void close();
}

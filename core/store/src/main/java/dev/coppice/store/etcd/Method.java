package dev.coppice.store.etcd;

import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;

/**
 * A method with one request and one answer, as gRPC and the JSON gateway both serve it.
 *
 * @param grpc its gRPC name and messages
 * @param path where the gateway serves it, below {@code /v3}
 * @param access what it asks of its caller
 * @param empty an empty request
 * @param body does it
 */
record Method<Q extends Message, A extends Message>(
        MethodDescriptor<Q, A> grpc, String path, Caller.Access access, Q empty, Body<Q, A> body) {

    /** What a method does; blocks; throws {@link dev.coppice.store.StoreException}. */
    @FunctionalInterface
    interface Body<Q, A> {
        A call(Caller caller, Q request);
    }
}

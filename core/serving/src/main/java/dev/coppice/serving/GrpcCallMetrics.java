package dev.coppice.serving;

import dev.coppice.kernel.Clock;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;

/** Counts and times the calls of the registered services; their methods bound the labels. */
final class GrpcCallMetrics implements ServerInterceptor {
    private final String listener;
    private final ServingMetrics metrics;
    private final Clock clock;

    GrpcCallMetrics(String listener, ServingMetrics metrics, Clock clock) {
        this.listener = listener;
        this.metrics = metrics;
        this.clock = clock;
    }

    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
            ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
        String method = call.getMethodDescriptor().getFullMethodName();
        boolean unary = call.getMethodDescriptor().getType() == MethodType.UNARY;
        long start = clock.nanoTime();
        return next.startCall(
                new SimpleForwardingServerCall<Q, A>(call) {
                    @Override
                    public void close(Status status, Metadata trailers) {
                        metrics.grpcCalls
                                .labelValues(listener, method, status.getCode().name())
                                .inc();
                        if (unary) {
                            metrics.grpcDurations
                                    .labelValues(listener, method)
                                    .observe((clock.nanoTime() - start) / 1e9);
                        }
                        super.close(status, trailers);
                    }
                },
                headers);
    }
}

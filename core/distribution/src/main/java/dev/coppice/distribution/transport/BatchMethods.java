package dev.coppice.distribution.transport;

import io.grpc.KnownLength;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;

/** What nodes call each other by; messages are bytes as they are. */
final class BatchMethods {
    static final String SERVICE = "coppice.peer.v1.Distribution";

    /** The most bytes of one message; a batch is smaller. */
    static final int MAX_BYTES = 4 << 20;

    /** Names a connection, for its heartbeats. */
    static final Metadata.Key<String> CONNECTION =
            Metadata.Key.of("coppice-connection", Metadata.ASCII_STRING_MARSHALLER);

    static final MethodDescriptor<byte[], byte[]> CONNECT = method("Connect", MethodType.BIDI_STREAMING);
    static final MethodDescriptor<byte[], byte[]> HEARTBEAT = method("Heartbeat", MethodType.UNARY);

    private BatchMethods() {}

    private static MethodDescriptor<byte[], byte[]> method(String name, MethodType type) {
        return MethodDescriptor.<byte[], byte[]>newBuilder()
                .setType(type)
                .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, name))
                .setRequestMarshaller(new Bytes())
                .setResponseMarshaller(new Bytes())
                .build();
    }

    private static final class KnownBytes extends ByteArrayInputStream implements KnownLength {
        KnownBytes(byte[] bytes) {
            super(bytes);
        }
    }

    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] value) {
            return new KnownBytes(value);
        }

        /** The listener and the connection bound its size. */
        @Override
        public byte[] parse(InputStream stream) {
            try {
                return stream.readAllBytes();
            } catch (IOException e) {
                throw Status.INTERNAL
                        .withDescription("a message cannot be read")
                        .withCause(e)
                        .asRuntimeException();
            }
        }
    }
}

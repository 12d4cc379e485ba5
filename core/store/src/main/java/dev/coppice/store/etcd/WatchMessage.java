package dev.coppice.store.etcd;

import dev.coppice.store.StoreException;
import dev.coppice.store.api.WatchGrpc;
import dev.coppice.store.api.WatchRequest;
import dev.coppice.store.engine.WatchBody;
import io.grpc.Drainable;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/** A watch response on its way to its stream, whose bytes are shared by all watches that are told the same. */
record WatchMessage(WatchBody body, long watch) {

    /** etcd's method Watch, with responses that need not be made. */
    static final MethodDescriptor<WatchRequest, WatchMessage> METHOD = WatchGrpc.getWatchMethod().toBuilder(
                    WatchGrpc.getWatchMethod().getRequestMarshaller(), new Marshaller())
            .build();

    static final ServiceDescriptor SERVICE = ServiceDescriptor.newBuilder(WatchGrpc.SERVICE_NAME)
            .setSchemaDescriptor(WatchGrpc.getServiceDescriptor().getSchemaDescriptor())
            .addMethod(METHOD)
            .build();

    int bytes() {
        return body.size(watch);
    }

    /** Sends what a stream is told. */
    record Sender(OutboundFlow<WatchMessage> out) implements WatchStream.Sink {
        @Override
        public void send(WatchBody body, long[] watches) throws InterruptedException {
            for (long each : watches) {
                out.send(new WatchMessage(body, each));
            }
        }

        @Override
        public void sendLast(WatchBody body, long watch) {
            out.sendNow(new WatchMessage(body, watch));
        }

        @Override
        public void fail(StoreException why) {
            out.fail(why.status());
        }
    }

    private static final class Marshaller implements MethodDescriptor.Marshaller<WatchMessage> {
        @Override
        public InputStream stream(WatchMessage value) {
            return new Bytes(value);
        }

        @Override
        public WatchMessage parse(InputStream stream) {
            throw new UnsupportedOperationException("responses are only sent");
        }
    }

    /** The bytes of a response; the library drains them into its buffer. */
    private static final class Bytes extends InputStream implements Drainable, KnownLength {
        private final WatchMessage message;
        private int left;
        private byte @Nullable [] copy;

        Bytes(WatchMessage message) {
            this.message = message;
            this.left = message.bytes();
        }

        @Override
        public int available() {
            return left;
        }

        @Override
        public int drainTo(OutputStream target) throws IOException {
            int drained = left;
            if (copy == null) {
                message.body().write(message.watch(), target);
            } else {
                target.write(copy, copy.length - left, left);
            }
            left = 0;
            return drained;
        }

        @Override
        public int read() throws IOException {
            if (left == 0) {
                return -1;
            }
            byte[] bytes = copy;
            if (bytes == null) {
                ByteArrayOutputStream out = new ByteArrayOutputStream(left);
                message.body().write(message.watch(), out);
                bytes = out.toByteArray();
                copy = bytes;
            }
            return bytes[bytes.length - left--] & 0xff;
        }
    }
}

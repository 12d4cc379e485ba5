package dev.coppice.store.raft;

import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import dev.coppice.store.wire.NumberedMessage;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.protobuf.ProtoUtils;

/**
 * A method that members call so often that its requests share one stream, in order: that costs a fraction of a call of its own
 * for each.
 *
 * @param mostWaiting how many requests to one member may wait for their answers
 */
public record StreamedMethod<Q extends Message, A extends Message>(
        MethodDescriptor<NumberedMessage, NumberedMessage> stream,
        Parser<Q> requests,
        Parser<A> answers,
        int mostWaiting) {

    static <Q extends Message, A extends Message> StreamedMethod<Q, A> of(
            String service, String name, Parser<Q> requests, Parser<A> answers, int mostWaiting) {
        NumberedMessage like = NumberedMessage.getDefaultInstance();
        return new StreamedMethod<>(
                MethodDescriptor.<NumberedMessage, NumberedMessage>newBuilder()
                        .setType(MethodType.BIDI_STREAMING)
                        .setFullMethodName(MethodDescriptor.generateFullMethodName(service, name))
                        .setRequestMarshaller(ProtoUtils.marshaller(like))
                        .setResponseMarshaller(ProtoUtils.marshaller(like))
                        .build(),
                requests,
                answers,
                mostWaiting);
    }

    String name() {
        return String.valueOf(stream.getBareMethodName());
    }
}

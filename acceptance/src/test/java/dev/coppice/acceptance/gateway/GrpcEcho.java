package dev.coppice.acceptance.gateway;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnknownFieldSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The messages of the conformance suite's service {@code GrpcEcho}, as far as the tests look at them. */
final class GrpcEcho {
    static final String SERVICE = "gateway_api_conformance.echo_basic.grpcecho.GrpcEcho";

    /** Methods that answer; others of the service are unimplemented. */
    static final List<String> METHODS = List.of("Echo", "EchoTwo");

    private static final int ASSERTIONS = 1;
    private static final int METHOD = 1;
    private static final int CONTEXT = 4;
    private static final int NAMESPACE = 1;
    private static final int POD = 4;

    private GrpcEcho() {}

    /** What an answer says of the pod and of what it was called. */
    record Answer(String method, String namespace, String pod) {}

    static byte[] encode(Answer answer) {
        UnknownFieldSet context = set(NAMESPACE, answer.namespace(), POD, answer.pod());
        UnknownFieldSet assertions = UnknownFieldSet.newBuilder()
                .addField(METHOD, text(answer.method()))
                .addField(CONTEXT, message(context))
                .build();
        return UnknownFieldSet.newBuilder()
                .addField(ASSERTIONS, message(assertions))
                .build()
                .toByteArray();
    }

    static Answer decode(byte[] bytes) throws InvalidProtocolBufferException {
        UnknownFieldSet assertions = inner(UnknownFieldSet.parseFrom(bytes), ASSERTIONS);
        UnknownFieldSet context = inner(assertions, CONTEXT);
        return new Answer(value(assertions, METHOD), value(context, NAMESPACE), value(context, POD));
    }

    private static UnknownFieldSet set(int one, String first, int two, String second) {
        return UnknownFieldSet.newBuilder()
                .addField(one, text(first))
                .addField(two, text(second))
                .build();
    }

    private static UnknownFieldSet.Field text(String value) {
        return UnknownFieldSet.Field.newBuilder()
                .addLengthDelimited(ByteString.copyFromUtf8(value))
                .build();
    }

    private static UnknownFieldSet.Field message(UnknownFieldSet value) {
        return UnknownFieldSet.Field.newBuilder()
                .addLengthDelimited(value.toByteString())
                .build();
    }

    private static @Nullable ByteString field(UnknownFieldSet set, int number) {
        List<ByteString> values = set.getField(number).getLengthDelimitedList();
        return values.isEmpty() ? null : values.getLast();
    }

    private static String value(UnknownFieldSet set, int number) {
        ByteString value = field(set, number);
        return value == null ? "" : value.toStringUtf8();
    }

    private static UnknownFieldSet inner(UnknownFieldSet set, int number) throws InvalidProtocolBufferException {
        ByteString value = field(set, number);
        return value == null ? UnknownFieldSet.getDefaultInstance() : UnknownFieldSet.parseFrom(value);
    }
}

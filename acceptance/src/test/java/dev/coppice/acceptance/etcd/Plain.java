package dev.coppice.acceptance.etcd;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.TextFormat;
import dev.coppice.store.api.LeaseTimeToLiveResponse;
import dev.coppice.store.api.Member;
import dev.coppice.store.api.ResponseHeader;
import io.grpc.Status;
import java.util.List;

/** Answers as text that is the same for equal behaviour: without what names a server, with everything else. */
final class Plain {
    private Plain() {}

    static String of(Message message, Side side) {
        return TextFormat.printer().emittingSingleLine(true).printToString(strip(message, side));
    }

    /** A failed call: its code and its text. */
    static String of(Throwable error, Side side) {
        Status status = Status.fromThrowable(error);
        return status.getCode() + ": " + named(String.valueOf(status.getDescription()), side);
    }

    private static String named(String text, Side side) {
        return text.replace(Long.toUnsignedString(side.memberId()), "MEMBER");
    }

    private static Message strip(Message message, Side side) {
        if (message instanceof ResponseHeader header) {
            return ResponseHeader.newBuilder().setRevision(header.getRevision()).build();
        }
        if (message instanceof Member member) {
            return Member.newBuilder()
                    .setIsLearner(member.getIsLearner())
                    .setName(member.getID() == side.memberId() ? "MEMBER" : "another member")
                    .build();
        }
        if (message instanceof LeaseTimeToLiveResponse time) {
            // The order of the keys is not said in etcd; the time left is measured.
            message = time.toBuilder()
                    .clearKeys()
                    .addAllKeys(time.getKeysList().stream()
                            .sorted(com.google.protobuf.ByteString.unsignedLexicographicalComparator())
                            .toList())
                    .setTTL(Long.signum(time.getTTL()))
                    .build();
        }
        Message.Builder builder = message.toBuilder();
        message.getAllFields().forEach((field, value) -> {
            if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
                if (field.isRepeated()) {
                    builder.clearField(field);
                    for (Object each : (List<?>) value) {
                        builder.addRepeatedField(field, strip((Message) each, side));
                    }
                } else {
                    builder.setField(field, strip((Message) value, side));
                }
            } else if (value instanceof Long id && id == side.memberId() && id != 0) {
                builder.setField(field, 1L);
            }
        });
        return builder.build();
    }
}

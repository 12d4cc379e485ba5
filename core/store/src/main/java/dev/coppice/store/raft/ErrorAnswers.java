package dev.coppice.store.raft;

import com.alipay.sofa.jraft.rpc.RpcRequests.ErrorResponse;
import com.alipay.sofa.jraft.rpc.RpcResponseFactory;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import org.jspecify.annotations.Nullable;

/**
 * Makes answers that say what went wrong: an answer of the kind that the call has, with the error in the field that the
 * library keeps for it. The error alone, as the library makes it for a protocol that tells kinds apart, would be read as
 * something else: as the last piece of a file, whose bytes are the error's text.
 */
final class ErrorAnswers implements RpcResponseFactory {
    /** @param parent an answer of the kind; null for the error alone */
    @Override
    public Message newResponse(@Nullable Message parent, int code, @Nullable String format, Object... arguments) {
        ErrorResponse.Builder error = ErrorResponse.newBuilder().setErrorCode(code);
        if (format != null) {
            error.setErrorMsg(arguments.length == 0 ? format : String.format(format, arguments));
        }
        FieldDescriptor place = parent == null
                ? null
                : parent.getDescriptorForType().findFieldByNumber(RpcResponseFactory.ERROR_RESPONSE_NUM);
        if (parent == null || place == null) {
            return error.build();
        }
        Message.Builder answer = parent.newBuilderForType();
        for (FieldDescriptor field : parent.getDescriptorForType().getFields()) {
            if (field.isRequired()) {
                answer.setField(field, parent.getField(field));
            }
        }
        return answer.setField(place, error.build()).build();
    }
}

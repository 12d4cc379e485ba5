package dev.coppice.store.raft;

import static org.assertj.core.api.Assertions.assertThat;

import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.error.RaftError;
import com.alipay.sofa.jraft.rpc.RpcRequestClosure;
import com.alipay.sofa.jraft.rpc.RpcRequests.AppendEntriesResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.ErrorResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.GetFileRequest;
import com.alipay.sofa.jraft.rpc.RpcRequests.GetFileResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.InstallSnapshotResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.ReadIndexResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.RequestVoteResponse;
import com.alipay.sofa.jraft.rpc.RpcRequests.TimeoutNowResponse;
import com.alipay.sofa.jraft.storage.FileService;
import com.alipay.sofa.jraft.util.RpcFactoryHelper;
import com.google.protobuf.Message;
import io.grpc.MethodDescriptor;
import java.io.InputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Errors that members answer with arrive as errors, whatever was asked. */
final class ErrorAnswersTest {

    static Stream<Message> answers() {
        return Stream.of(
                AppendEntriesResponse.getDefaultInstance(),
                RequestVoteResponse.getDefaultInstance(),
                InstallSnapshotResponse.getDefaultInstance(),
                GetFileResponse.getDefaultInstance(),
                TimeoutNowResponse.getDefaultInstance(),
                ReadIndexResponse.getDefaultInstance());
    }

    private static ErrorResponse error(Message answer) {
        return (ErrorResponse) answer.getField(answer.getDescriptorForType().findFieldByName("errorResponse"));
    }

    @ParameterizedTest
    @MethodSource("answers")
    void anErrorIsReadAsOne(Message kind) throws Exception {
        Message made = RpcFactoryHelper.responseFactory().newResponse(kind, RaftError.ENOENT, "no %s", "such file");
        Message read = kind.getParserForType().parseFrom(made.toByteArray());
        assertThat(error(read).getErrorCode()).isEqualTo(RaftError.ENOENT.getNumber());
        assertThat(error(read).getErrorMsg()).isEqualTo("no such file");
    }

    @ParameterizedTest
    @MethodSource("answers")
    void theTextOfAStatusIsNoFormat(Message kind) {
        Message made = RpcFactoryHelper.responseFactory().newResponse(kind, new Status(1, "100%s of it"));
        assertThat(error(made).getErrorMsg()).isEqualTo("100%s of it");
    }

    @Test
    void anErrorIsNoPieceOfAFile() throws Exception {
        Message answer = FileService.getInstance()
                .handleGetFile(
                        GetFileRequest.newBuilder()
                                .setReaderId(12_345)
                                .setFilename("state/000150.sst")
                                .setOffset(0)
                                .setCount(1000)
                                .build(),
                        new RpcRequestClosure(RaftRequests.NOBODY, GetFileResponse.getDefaultInstance()));
        MethodDescriptor<GetFileRequest, GetFileResponse> method = PeerMethods.GET_FILE;
        try (InputStream sent = method.getResponseMarshaller().stream((GetFileResponse) answer)) {
            GetFileResponse received = method.getResponseMarshaller().parse(sent);
            assertThat(received.getData().toStringUtf8()).isEmpty();
            assertThat(received.getEof()).isFalse();
            assertThat(received.getErrorResponse().getErrorMsg()).contains("12345");
        }
    }
}

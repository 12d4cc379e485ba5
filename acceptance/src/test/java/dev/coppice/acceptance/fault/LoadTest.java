package dev.coppice.acceptance.fault;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import java.io.IOException;
import java.net.ConnectException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Which errors say for certain that nothing happened. */
class LoadTest {
    private final Load load = new Load("r0/");

    private boolean sure(Status.Code code, String text, @Nullable Throwable cause) {
        return load.surelyRefused(
                code.toStatus().withDescription(text).withCause(cause).asRuntimeException());
    }

    @Test
    void whatTheStoreRefusedDidNotHappen() {
        assertThat(sure(Status.Code.FAILED_PRECONDITION, "etcdserver: lease already exists", null))
                .isTrue();
        assertThat(sure(Status.Code.UNAVAILABLE, "etcdserver: no leader", null)).isTrue();
        assertThat(load.refused()).isEqualTo(2);
    }

    @Test
    void whatWasNeverSentDidNotHappen() {
        assertThat(sure(Status.Code.UNAVAILABLE, "io exception", new ConnectException("Connection refused")))
                .isTrue();
    }

    @Test
    void whatWasSentMayHaveHappened() {
        assertThat(sure(Status.Code.UNAVAILABLE, "io exception", new IOException("Connection reset by peer")))
                .isFalse();
        assertThat(sure(Status.Code.UNAVAILABLE, "etcdserver: request timed out", null))
                .isFalse();
        assertThat(sure(Status.Code.DEADLINE_EXCEEDED, "deadline exceeded", null))
                .isFalse();
        assertThat(load.unknown()).isEqualTo(3);
    }
}

package dev.coppice.store.raft;

import static org.assertj.core.api.Assertions.assertThat;

import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.closure.ClosureQueueImpl;
import com.alipay.sofa.jraft.error.RaftError;
import com.google.protobuf.Message;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.StoreException;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.Machine;
import dev.coppice.store.log.Command;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the only member says of a write that its log did not carry to its end: whether it may have happened all the same. */
class ProposalTest {

    private final Kernel kernel = Kernel.start(Clock.system(), 1);
    private final CompletableFuture<StoreException> refusal = new CompletableFuture<>();
    private final Proposal proposal = new Proposal(
            Command.getDefaultInstance(),
            new Machine.Outcome() {
                @Override
                public void answered(Message answer) {
                    refusal.completeExceptionally(new AssertionError("answered"));
                }

                @Override
                public void refused(StoreException error) {
                    refusal.complete(error);
                }
            },
            kernel.timers(),
            Duration.ofHours(1));

    @AfterEach
    void stop() throws Exception {
        kernel.close();
    }

    private void assertRefused(StoreException expected) throws Exception {
        StoreException told = refusal.get(10, TimeUnit.SECONDS);
        assertThat(told).hasMessage(expected.getMessage());
        assertThat(told.code()).isEqualTo(expected.code());
    }

    /** A leader whose disk failed, or that is stopped, gives up what it had appended; the next start finds it in the log. */
    @Test
    void whatWasAppendedWhenTheLeaderGaveUpMayHaveHappened() throws Exception {
        ClosureQueueImpl appended = new ClosureQueueImpl("group");
        appended.appendPendingClosure(proposal);
        appended.clear();
        assertRefused(Errors.timeoutByLeader());
    }

    @ParameterizedTest
    @EnumSource(names = {"EIO", "EINTERNAL", "ESTATEMACHINE", "ENEWLEADER"})
    void whatTheLogFailedWithMayHaveHappened(RaftError error) throws Exception {
        proposal.run(new Status(error, "it broke"));
        assertRefused(Errors.timeoutByLeader());
    }

    @Test
    void whatWasNeverAppendedDidNotHappen() throws Exception {
        proposal.run(new Status(RaftError.EPERM, "Is not leader."));
        assertRefused(Errors.noLeader());
    }

    @Test
    void whatABusyLogDidNotTakeDidNotHappen() throws Exception {
        proposal.run(new Status(RaftError.EBUSY, "Node is busy, has too many tasks."));
        assertRefused(Errors.tooManyRequests());
    }
}

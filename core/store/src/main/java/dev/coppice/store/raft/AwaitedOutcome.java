package dev.coppice.store.raft;

import com.google.protobuf.Message;
import dev.coppice.store.StoreException;
import dev.coppice.store.engine.Machine;
import io.grpc.Status.Code;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** An outcome that a thread waits for. Used once. */
final class AwaitedOutcome implements Machine.Outcome {

    private final CompletableFuture<Message> future = new CompletableFuture<>();

    @Override
    public void answered(Message answer) {
        future.complete(answer);
    }

    @Override
    public void refused(StoreException error) {
        future.completeExceptionally(error);
    }

    /** Waits; who proposes sees to it that this ends. */
    Message await() {
        try {
            return future.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof StoreException error) {
                throw new StoreException(error.code(), String.valueOf(error.getMessage()), error);
            }
            throw new StoreException(Code.INTERNAL, "etcdserver: " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreException(Code.CANCELLED, "etcdserver: the caller was interrupted", e);
        }
    }
}

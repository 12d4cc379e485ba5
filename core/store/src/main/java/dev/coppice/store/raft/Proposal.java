package dev.coppice.store.raft;

import com.alipay.sofa.jraft.Status;
import com.alipay.sofa.jraft.error.RaftError;
import com.google.protobuf.Message;
import dev.coppice.store.StoreException;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.log.Command;
import io.grpc.Status.Code;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A command on its way through the log of the only member, with somebody waiting for what becomes of it. */
final class Proposal implements PendingEntry {

    private final Command command;
    private final CompletableFuture<Message> future = new CompletableFuture<>();

    Proposal(Command command) {
        this.command = command;
    }

    @Override
    public Command command() {
        return command;
    }

    /** Called by the library when the log could not take it, or lost it. */
    @Override
    public void run(Status status) {
        if (!status.isOk()) {
            future.completeExceptionally(failure(status));
        }
    }

    static StoreException failure(Status status) {
        RaftError error = status.getRaftError();
        if (error == RaftError.EBUSY) {
            return Errors.tooManyRequests();
        }
        if (error == RaftError.EPERM || error == RaftError.ENEWLEADER) {
            return Errors.noLeader();
        }
        return new StoreException(
                Code.UNAVAILABLE, "etcdserver: the log could not take the request: " + status.getErrorMsg());
    }

    @Override
    public void answered(Message answer) {
        future.complete(answer);
    }

    @Override
    public void refused(StoreException error) {
        future.completeExceptionally(error);
    }

    Message await(long timeoutMillis) {
        try {
            return future.get(timeoutMillis, TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof StoreException error) {
                throw new StoreException(error.code(), String.valueOf(error.getMessage()), error);
            }
            throw new StoreException(Code.INTERNAL, "etcdserver: " + e.getCause(), e);
        } catch (TimeoutException e) {
            throw Errors.timeout();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StoreException(Code.CANCELLED, "etcdserver: the caller was interrupted", e);
        }
    }
}

package dev.coppice.gateway.function;

import dev.coppice.gateway.filter.HeaderChanges;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** A request that a function has let pass, until its answer comes. Safe for use by many threads. */
public final class FunctionVisit {
    private final EdgeFunction function;
    private final FunctionRequest request;
    private final HeaderChanges answerHeaders;
    private final int features;
    private final int context;
    private final @Nullable Guest guest;
    private final AtomicBoolean open;

    /**
     * Begins one.
     *
     * @param answerHeaders what is known of the answer already
     * @param context what the guest will be told
     * @param guest who is to be told; null: nobody
     */
    FunctionVisit(
            EdgeFunction function,
            FunctionRequest request,
            HeaderChanges answerHeaders,
            int features,
            int context,
            @Nullable Guest guest) {
        this.function = function;
        this.request = request.withoutBody();
        this.answerHeaders = answerHeaders;
        this.features = features;
        this.context = context;
        this.guest = guest;
        this.open = new AtomicBoolean(guest != null);
    }

    /** Changes of the answer's headers, to be made before anybody else sees it. */
    public HeaderChanges answerHeaders() {
        return answerHeaders;
    }

    /** Whether its guest still has to be told of the answer. */
    public boolean open() {
        return open.get();
    }

    /** Whether the answer has to wait for what the function says. */
    public boolean changesAnswer() {
        return (features & Features.BUFFER_RESPONSE) != 0;
    }

    /** Whether the function may want the answer's body. */
    public boolean seesBody() {
        return changesAnswer() && function.usesBodies();
    }

    /** Tells the guest of the answer; once. It computes, and may be interrupted. */
    public AnswerOutcome answer(SeenAnswer answer) throws FunctionException {
        Guest by = guest;
        if (by == null || !open.compareAndSet(true, false)) {
            throw new FunctionException(FunctionException.Reason.FAILED, "its request is over");
        }
        return function.answer(
                by,
                Turn.answer(request, answer, features, function.settings().maxBodyBytes()),
                context,
                answer.head() == null);
    }

    /** Throws the guest away, if it was told nothing yet. */
    public void discard() {
        Guest by = guest;
        if (by != null && open.compareAndSet(true, false)) {
            function.discard(by);
        }
    }
}

package dev.coppice.gateway.filter;

/**
 * Sees requests, and perhaps their answers, and says what becomes of them. Each call is on a virtual thread of its own, so it may wait, for the time that the
 * resource gives it; then it is interrupted. Whatever it throws fails that one request only. Called by many threads at once.
 */
public interface Filter {

    /** How much of a request's body it wants to see, in bytes; as much is held back until it has spoken. {@value #MOST_BODY} at most. */
    default int bodyBytes() {
        return 0;
    }

    /** Of {@link #bodyBytes}. */
    int MOST_BODY = 1 << 20;

    /** Whether it wants to see answers; they wait for it. */
    default boolean seesAnswers() {
        return false;
    }

    /** What becomes of a request. */
    default RequestOutcome request(FilterRequest request) throws Exception {
        return RequestOutcome.ON;
    }

    /**
     * What becomes of the head of an endpoint's answer.
     *
     * @param request as {@link #request} has seen it
     */
    default HeaderChanges answer(FilterRequest request, FilterAnswer answer) throws Exception {
        return HeaderChanges.NONE;
    }
}

package dev.coppice.gateway.proxy;

/** Why a request is not sent to an upstream, or not once more. */
enum Refusal {
    CIRCUIT_BREAKER("circuit-breaker", "the service fails, and gets no requests for a while"),
    CONCURRENCY("concurrency", "the service is slower than usual, and gets fewer requests for a while"),
    PARALLEL_REQUESTS("parallel-requests", "the service has as many requests as it may have at one time"),
    /** Of streams, which do not wait for another's connection. */
    CONNECTIONS("connections", ""),
    PENDING_REQUESTS("pending-requests", "too many requests wait for the service"),
    /** Not once more. */
    PARALLEL_RETRIES("parallel-retries", ""),
    /** Not once more. */
    RETRY_BUDGET("retry-budget", "");

    /** In metrics and in the access log. */
    final String word;
    /** For clients. */
    final String text;

    Refusal(String word, String text) {
        this.word = word;
        this.text = text;
    }
}

package dev.coppice.gateway.balance;

/** What {@link EndpointLoad} changes: fields of a class come after those of the class that it extends, which fill a cache line. */
abstract class EndpointLoadValues extends EndpointLoadPadding {
    volatile int inFlight;
    /** Above: nanoseconds, as a float. Below: when that was, in ticks. */
    volatile long latency;
}

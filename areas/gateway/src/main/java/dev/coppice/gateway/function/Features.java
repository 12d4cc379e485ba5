package dev.coppice.gateway.function;

/** What guests ask for by {@code enable_features}, as bits. */
final class Features {
    static final int BUFFER_REQUEST = 1;
    static final int BUFFER_RESPONSE = 2;
    /** Trailers (4) are not there: the ABI has guests find that out by the missing bit. */
    private static final int SUPPORTED = BUFFER_REQUEST | BUFFER_RESPONSE;

    private Features() {}

    /** Those of some that there are. */
    static int supported(int wanted) {
        return wanted & SUPPORTED;
    }
}

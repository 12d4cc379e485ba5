package dev.coppice.gateway.filter;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a filter makes of a request. */
public sealed interface RequestOutcome {

    /** It goes on as it is. */
    RequestOutcome ON = new Passed(HeaderChanges.NONE, null, null);

    /**
     * It goes on, changed. Immutable.
     *
     * @param path in normal form, with its first slash; null: it stays
     * @param query with its question mark, or empty; null: it stays
     */
    record Passed(
            HeaderChanges headers,
            @Nullable String path,
            @Nullable String query) implements RequestOutcome {
        /** With other headers. */
        public Passed(HeaderChanges headers) {
            this(headers, null, null);
        }
    }

    /**
     * This is the answer. Immutable; whoever makes it does not change the body any more.
     *
     * @param status from 200 to 599
     * @param headers all but Content-Length, and those of the connection
     */
    record Answered(int status, List<HeaderField> headers, byte[] body) implements RequestOutcome {
        private static final int MOST_BODY = 1 << 20;

        /** @throws IllegalArgumentException when it is none, or longer than 1 MiB */
        public Answered {
            headers = List.copyOf(headers);
            if (status < 200 || status > 599) {
                throw new IllegalArgumentException("status " + status + ": expected one from 200 to 599");
            }
            if (body.length > MOST_BODY) {
                throw new IllegalArgumentException(
                        "the body has " + body.length + " bytes; expected " + MOST_BODY + " at most");
            }
        }
    }
}

package dev.coppice.gateway.authentication;

import dev.coppice.gateway.authentication.CheckMessages.HeaderChange;
import java.util.List;

/** What a method found in a request. Immutable. */
public sealed interface Outcome {
    /** It has no credential of the method. */
    record Absent() implements Outcome {
        public static final Absent ABSENT = new Absent();
    }

    /**
     * The credential is not good.
     *
     * @param why for the client: ASCII without quotes, and nothing that helps to guess
     */
    record Refused(String why) implements Outcome {}

    /**
     * Whether the credential is good cannot be found out now.
     *
     * @param absent there is none, and where to get one cannot be found out: nothing to those who need none
     */
    record Unavailable(String why, boolean absent) implements Outcome {
        /** There is a credential. */
        public Unavailable(String why) {
            this(why, false);
        }
    }

    /**
     * It is known who sends the request.
     *
     * @param headers that backends are told, with values of printable ASCII
     * @param removed names of headers, in lower case, that backends are not told
     * @param toClient what is changed in the headers of the answer, whoever gives it
     */
    record Known(Identity identity, List<Header> headers, List<String> removed, List<HeaderChange> toClient)
            implements Outcome {
        public Known {
            headers = List.copyOf(headers);
            removed = List.copyOf(removed);
            toClient = List.copyOf(toClient);
        }

        /** Backends are told something, and clients nothing. */
        public Known(Identity identity, List<Header> headers) {
            this(identity, headers, List.of(), List.of());
        }
    }

    /**
     * Somebody else has refused the request, and said how.
     *
     * @param headers of the answer to the client
     */
    record Answered(int status, List<Header> headers, byte[] body) implements Outcome {
        public Answered {
            headers = List.copyOf(headers);
        }
    }

    /**
     * The request was meant for the method itself, which answers it, whatever others think of it.
     *
     * @param headers of the answer to the client
     * @param text of the answer; empty for none
     */
    record Replied(int status, List<Header> headers, String text) implements Outcome {
        public Replied {
            headers = List.copyOf(headers);
        }
    }

    /** A header; one for a backend has its name in lower case. */
    record Header(String name, String value) {}
}
